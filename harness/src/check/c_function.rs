//! Where a C source defines a function.

/// A definition: the number of its first line, from 1, and its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Definition<'a> {
    pub(crate) first: usize,
    text: &'a str,
}

impl<'a> Definition<'a> {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'a str> {
        self.text.lines()
    }
}

/// The definition of the function `name` in `source`, which follows the kernel's coding style: a function begins and
/// ends in the first column. Of several, as for several configurations, the longest.
pub(crate) fn find<'a>(source: &'a str, name: &str) -> Option<Definition<'a>> {
    let lines: Vec<&str> = source.lines().collect();
    let heads = (0..lines.len()).filter(|at| is_head(lines[*at], name));
    let all = heads.filter_map(|head| {
        let end = head + end_of(&lines[head..])?;
        // The return type may have a line of its own.
        let begin = head - usize::from(head > 0 && is_return_type(lines[head - 1], lines[head], name));
        Some((begin, end))
    });
    let (begin, end) = all.max_by_key(|(begin, end)| end - begin)?;
    let offset = |line: &str| line.as_ptr() as usize - source.as_ptr() as usize;
    Some(Definition {
        first: begin + 1,
        text: &source[offset(lines[begin])..offset(lines[end]) + lines[end].len()],
    })
}

/// Whether a line in the first column declares, defines or calls `name`.
fn is_head(line: &str, name: &str) -> bool {
    let code = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let called = |(at, _): (usize, &str)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].starts_with('(');
        after && before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
    };
    code && line.match_indices(name).any(called)
}

/// The index of the last line of the function that begins at the first line; none for a mere declaration.
fn end_of(lines: &[&str]) -> Option<usize> {
    let body = lines.iter().position(|line| line.trim_end().ends_with([';', '{', '}']))?;
    match lines[body].trim_end() {
        line if line.ends_with(';') => None,
        line if line.ends_with('}') => Some(body),
        _ => lines.iter().position(|line| line.starts_with('}')),
    }
}

fn is_return_type(line: &str, head: &str, name: &str) -> bool {
    head.starts_with(name)
        && line.starts_with(|c: char| c.is_ascii_alphabetic())
        && !line.trim_end().ends_with([';', '}', ':', ')'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
static int damos_score(struct damos *s);

#ifdef CONFIG_NUMA
/* damos_score(s) is at most 10000. */
static int
damos_score(struct damos *s,
\t\tint nid)
{
\tif (nid) {
\t\treturn damos_score_max(s);
\t}
\treturn 0;
}
#else
static int damos_score(struct damos *s, int nid)
{
\treturn 0;
}
#endif

static inline void damos_nop(void) {}

int main_score(void)
{
\tdamos_score(NULL, 0);
}
";

    fn found(name: &str) -> Option<(usize, Vec<&'static str>)> {
        find(SOURCE, name).map(|definition| (definition.first, definition.lines().collect()))
    }

    #[test]
    fn the_longest_definition_is_found_with_the_line_of_its_return_type() {
        let (first, lines) = found("damos_score").unwrap();
        assert_eq!((first, lines.len()), (5, 9));
        assert_eq!((lines[0], lines[8]), ("static int", "}"));
    }

    #[test]
    fn a_function_on_one_line_is_its_own_end() {
        assert_eq!(found("damos_nop"), Some((21, vec!["static inline void damos_nop(void) {}"])));
    }

    #[test]
    fn a_part_of_a_name_a_declaration_and_a_call_are_no_definition() {
        assert_eq!(found("score"), None);
        assert_eq!(found("damos_score_max"), None);
        assert_eq!(find("int f(void);\nvoid g(void)\n{\n\tf();\n}\n", "f"), None);
    }

    #[test]
    fn a_source_that_ends_in_the_middle_of_a_function_has_no_definition() {
        assert_eq!(find("int f(void)\n{\n\treturn 0;\n", "f"), None);
    }
}
