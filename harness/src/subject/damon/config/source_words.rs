//! What DAMON's source has of tracepoints, keywords and names of sysfs files. A running kernel lists few of its keywords, so
//! they come from the tables of strings that its sysfs code compares a value with. Pure.

use std::collections::BTreeSet;

/// The sources of DAMON's sysfs.
const SYSFS: &[&str] = &["mm/damon/sysfs.c", "mm/damon/sysfs-common.c", "mm/damon/sysfs-schemes.c"];

/// The header with DAMON's tracepoints.
const EVENTS: &str = "include/trace/events/damon.h";

/// The kind of the names of sysfs files, which stand without their folder.
pub(crate) const FILE: &str = "file";

/// The kind of what `state` takes.
pub(crate) const COMMAND: &str = "command";

/// So many words are read at most: the source may be anybody's.
const LIMIT: usize = 1_000;

/// Parts of a table's name, and the kind of the keywords in it; the first that fits counts. A table of another name is a kind
/// of its own.
const TABLES: &[(&str, &str)] = &[
    ("goal_metric", "goal"),
    ("goal_tuner", "tuner"),
    ("wmark_metric", "watermark"),
    ("prep_action", "probe_prep"),
    ("action", "action"),
    ("scheme_filter_type", "filter"),
    ("damos_sysfs_filter_type", "filter"),
    ("filter_type", "probe_filter"),
    ("ops", "ops"),
    ("cmd", COMMAND),
];

/// The words of a source, `KIND.WORD` each, sorted. `text` is the text of a file of it.
pub(crate) fn source_words(text: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut words = BTreeSet::new();
    let events = text(EVENTS).unwrap_or_default();
    let event = |line: &str| argument(line, "TRACE_EVENT").map(|name| format!("tracepoint.{name}"));
    words.extend(events.lines().filter_map(event));
    for path in SYSFS {
        let text = text(path).unwrap_or_default();
        let file = |line: &str| argument(line, "__ATTR").map(|name| format!("{FILE}.{name}"));
        words.extend(text.lines().filter_map(file));
        words.extend(keywords(&text));
    }
    words.into_iter().take(LIMIT).collect()
}

/// The first argument of a macro whose name begins with `macro_name`.
fn argument<'a>(line: &'a str, macro_name: &str) -> Option<&'a str> {
    let (_, rest) = line.trim().strip_prefix(macro_name)?.split_once('(')?;
    rest.split([',', ')']).next().map(str::trim).filter(|name| is_word(name))
}

/// The keywords of all tables in a source, `KIND.WORD` each.
fn keywords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(table) = table(line) else { continue };
        let kind = TABLES.iter().find(|(part, _)| table.contains(part)).map_or(table, |(_, kind)| kind);
        let entries = lines.by_ref().take_while(|line| !line.starts_with('}'));
        let words = entries.flat_map(|line| line.split('"').skip(1).step_by(2)).filter(|word| is_word(word));
        found.extend(words.map(|word| format!("{kind}.{word}")));
    }
    found
}

/// The name of the table of strings that begins in a line: `..._names[] = {`, in older kernels `..._strs[] = {`.
fn table(line: &str) -> Option<&str> {
    let before = line.trim_end().strip_suffix("[] = {")?;
    let name = before.rsplit([' ', '*', '\t']).next()?;
    let name = name.strip_suffix("_names").or_else(|| name.strip_suffix("_strs"))?;
    is_word(name).then_some(name)
}

fn is_word(text: &str) -> bool {
    let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !text.is_empty() && text.len() <= 60 && text.bytes().all(sound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(path: &str, text: &str) -> Vec<String> {
        source_words(|wanted| (wanted == path).then(|| text.to_owned()))
    }

    #[test]
    fn keywords_are_read_from_the_tables_of_linux_7_3_and_of_6_12() {
        let new = "static const struct damos_sysfs_filter_type_name\ndamos_sysfs_filter_type_names[] = {\n\t{\n\t\t.type = \
                   X,\n\t\t.name = \"node\",\n\t},\n};\nstruct a damos_sysfs_qgoal_metric_names[] = \
                   {\n\t{\n\t\t.name = \"hot_mem_bp\",\n\t},\n};\nchar *x = \"not_one\";\n";
        assert_eq!(words("mm/damon/sysfs-schemes.c", new), ["filter.node", "goal.hot_mem_bp"]);
        let old =
            "static const char * const damon_sysfs_damos_action_strs[] = {\n\t\"cold\",\n\t\"stat\",\n};\n";
        assert_eq!(words("mm/damon/sysfs-schemes.c", old), ["action.cold", "action.stat"]);
        let other = "static const char * const damon_sysfs_colour_strs[] = {\n\t\"red\", \"No Word\",\n};\n";
        assert_eq!(words("mm/damon/sysfs.c", other), ["damon_sysfs_colour.red"]);
        let probe = "damon_sysfs_filter_type_names[] = {\n\t{ .name = \"anon\" },\n};\n";
        assert_eq!(words("mm/damon/sysfs.c", probe), ["probe_filter.anon"]);
    }

    #[test]
    fn tracepoints_and_names_of_files_are_read_too() {
        let header = "TRACE_EVENT(damos_hot,\n\nTRACE_EVENT_CONDITION(damos_cold,\n\tTP_PROTO(int x),\nTRACE_EVENT(Bad,\n";
        assert_eq!(
            words("include/trace/events/damon.h", header),
            ["tracepoint.damos_cold", "tracepoint.damos_hot"]
        );
        let attributes = "\t\t__ATTR_RW_MODE(min, 0600);\n\t\t__ATTR(nid, 0600, a, b);\n";
        assert_eq!(words("mm/damon/sysfs-common.c", attributes), ["file.min", "file.nid"]);
    }

    #[test]
    fn a_table_without_an_end_and_a_source_without_damon_are_read_to_their_end() {
        assert_eq!(words("mm/damon/sysfs.c", "damon_sysfs_ops_names[] = {\n\"x\"\n"), ["ops.x"]);
        assert!(source_words(|_| None).is_empty());
        let many: String = (0..2_000).map(|number| format!("__ATTR(f{number}, 0600);\n")).collect();
        assert_eq!(words("mm/damon/sysfs.c", &many).len(), LIMIT);
    }
}
