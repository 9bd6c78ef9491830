//! The event that an expectation is about: recorded, known, and with the fields that are asked for.
//!
//! A misspelt name counts nothing, and a count of nothing passes `equals: 0` and every `at_most`.

use crate::grammar::{At, Checked, Fault, Scalar};
use crate::scenario::subject::{EVENTS, Introduced, how_to_introduce_event, introduces_event};

/// What to do where the event is not DAMON's after all.
const FOREIGN: &str = "another system's event has to be in trace.events";

/// An event that the trace can have.
pub(super) struct Recorded<'a> {
    /// Its name, as the file gives it.
    text: &'a str,
    /// Its fields; `None` for an event without a type, whose fields only the kernel knows.
    fields: Option<&'static [&'static str]>,
}

impl<'a> Recorded<'a> {
    /// The event at `raw`, `name` or `system:name`, if a pattern of `recorded` (`system:name` or
    /// `system:*`) matches it.
    pub(super) fn resolve(
        raw: &'a At<Scalar>,
        recorded: &[String],
        introduced: &Introduced,
    ) -> Checked<Recorded<'a>> {
        let text = raw.value.0.as_str();
        let (system, name) = match text.split_once(':') {
            Some((system, name)) => (Some(system), name),
            None => (None, text),
        };
        if !is_word(name) || !system.is_none_or(is_word) {
            return Err(Fault::at(raw, format!("'{text}' cannot name an event"))
                .help("one event's name, with or without its system: damos_esz or damon:damos_esz"));
        }
        let matching = systems(system, name, recorded);
        let damons = match system {
            Some(system) => system == EVENTS.system,
            None => is_introduced(introduced, name) || is_damons(name, &matching, recorded),
        };
        // One that damonlab has no type for is an event of a patch, if the scenario records it by its name.
        let named = recorded.iter().any(|pattern| {
            pattern.split_once(':').is_some_and(|(of, event)| of == EVENTS.system && event == name)
        });
        let of_a_patch = named || is_introduced(introduced, name);
        if damons && !of_a_patch && !EVENTS.names.contains(&name) {
            let fault = Fault::at(raw, format!("DAMON has no event '{name}'"))
                .known(name, EVENTS.names)
                .or_help(&how_to_introduce_event(name));
            let foreign = !EVENTS.prefixes.iter().any(|prefix| name.starts_with(prefix));
            return Err(if foreign { fault.or_help(FOREIGN) } else { fault });
        }
        if !damons && EVENTS.names.contains(&name) {
            return Err(Fault::at(
                raw,
                format!("'{name}' is an event of {}, not of '{text}'", EVENTS.system),
            )
            .help(format!("say {}:{name}", EVENTS.system)));
        }
        if matching.is_empty() || damons && !matching.contains(&EVENTS.system) {
            return Err(Fault::at(raw, format!("the event '{text}' is not recorded"))
                .help(not_recorded(damons, system, name, recorded)));
        }
        let fields = EVENTS.fields.iter().find(|(known, _)| *known == name).map(|(_, fields)| *fields);
        Ok(Recorded { text, fields })
    }

    /// The name, as the file gives it.
    pub(super) fn text(&self) -> String {
        self.text.to_owned()
    }

    /// Whether it is the event `name`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.text.split_once(':').map_or(self.text, |(_, bare)| bare) == name
    }

    /// Refuses a field that has no mean.
    pub(super) fn check_mean(&self, field: &At<Scalar>) -> Checked<()> {
        let name = field.value.0.as_str();
        match self.fields {
            Some(fields) if !fields.contains(&name) => Err(self.no_field(field, name, fields)),
            Some(_) if name == EVENTS.bytes => {
                Err(Fault::at(field, format!("'{name}' is a list of bytes and has no mean")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses a `where` key that the event does not have; `value` is what stands after it.
    pub(super) fn check_where(&self, key: &str, value: &At<Scalar>) -> Checked<()> {
        match self.fields {
            Some(fields) if key != EVENTS.emitter && !fields.contains(&key) => {
                let known: Vec<&str> = fields.iter().copied().chain([EVENTS.emitter]).collect();
                Err(self.no_field(value, key, &known))
            }
            _ => Ok(()),
        }
    }

    fn no_field<T>(&self, place: &At<T>, field: &str, known: &[&str]) -> Fault {
        Fault::at(place, format!("{} has no field '{field}'", self.text)).known(field, known)
    }
}

/// Whether the scenario introduces an event of DAMON's.
fn is_introduced(introduced: &Introduced, name: &str) -> bool {
    introduces_event(introduced, &format!("{}:{name}", EVENTS.system))
}

/// The systems of the patterns that match.
fn systems<'a>(system: Option<&str>, name: &str, recorded: &'a [String]) -> Vec<&'a str> {
    let patterns = recorded.iter().filter_map(|pattern| pattern.split_once(':'));
    let matching = patterns
        .filter(|(of, event)| system.is_none_or(|system| system == *of) && (*event == "*" || *event == name));
    matching.map(|(of, _)| of).collect()
}

/// Whether a name without a system is one of DAMON's events, or meant to be: it is known, or nothing
/// else recorded can have it.
fn is_damons(name: &str, matching: &[&str], recorded: &[String]) -> bool {
    let named = |pattern: &String| {
        pattern.split_once(':').is_some_and(|(of, event)| of != EVENTS.system && event == name)
    };
    if EVENTS.names.contains(&name) {
        return true;
    }
    let prefixed = EVENTS.prefixes.iter().any(|prefix| name.starts_with(prefix));
    let only = !matching.is_empty() && matching.iter().all(|of| *of == EVENTS.system);
    !recorded.iter().any(named) && (prefixed || only)
}

fn not_recorded(damons: bool, system: Option<&str>, name: &str, recorded: &[String]) -> String {
    let system = if damons { EVENTS.system } else { system.unwrap_or("SYSTEM") };
    match recorded {
        [] => format!("nothing is recorded; trace: {{events: [\"{system}:{name}\"]}}"),
        _ => format!("trace.events has {}; add \"{system}:{name}\" to it", recorded.join(", ")),
    }
}

/// A C identifier.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use crate::scenario::Scenario;

    /// What comes of one line of `expect`, with these `trace.events`.
    fn verdict(events: &str, line: &str) -> Result<(), String> {
        let text = format!(
            "version: 1\nsummary: One line.\nmachine: {{nodes: [{{id: 0, memory: 512M, cpus: [0]}}]}}\n\
             damon: {{kdamonds: [{{contexts: [{{ops: paddr, targets: [{{regions: [{{node: 0}}]}}]}}]}}]}}\n\
             trace: {{events: [{events}]}}\nsteps: [start, run: {{for: 1s}}, stop]\nexpect: [{{{line}, equals: 0}}]\n"
        );
        Scenario::parse("one-line", &text).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn an_event_is_named_with_or_without_its_system() {
        assert_eq!(verdict("'damon:*'", "count: damos_esz"), Ok(()));
        assert_eq!(verdict("'damon:*'", "count: 'damon:damos_esz'"), Ok(()));
        assert_eq!(verdict("'damon:damos_esz'", "count: damos_esz"), Ok(()));
        assert_eq!(verdict("'migrate:mm_migrate_pages'", "count: mm_migrate_pages"), Ok(()));
        assert_eq!(verdict("'migrate:*'", "count: 'migrate:mm_migrate_pages'"), Ok(()));
    }

    #[test]
    fn an_event_that_nothing_records_is_refused() {
        let no = |event: &str| Err(format!("the event '{event}' is not recorded"));
        assert_eq!(verdict("'damon:damos_esz'", "count: damos_before_apply"), no("damos_before_apply"));
        assert_eq!(verdict("'migrate:*'", "count: damos_esz"), no("damos_esz"));
        assert_eq!(verdict("'damon:*'", "count: 'migrate:mm_migrate_pages'"), no("migrate:mm_migrate_pages"));
    }

    #[test]
    fn a_name_that_damon_does_not_have_is_refused_whatever_else_is_recorded() {
        let no = Err("DAMON has no event 'damos_ez'".to_owned());
        assert_eq!(verdict("'damon:*'", "count: damos_ez"), no);
        assert_eq!(verdict("'damon:*', 'migrate:*'", "count: damos_ez"), no);
        let no = Err("'damos_esz' is an event of damon, not of 'migrate:damos_esz'".to_owned());
        assert_eq!(verdict("'damon:*', 'migrate:*'", "count: 'migrate:damos_esz'"), no);
    }

    #[test]
    fn an_event_of_a_patch_is_accepted_where_it_is_recorded_by_its_name() {
        assert_eq!(verdict("'damon:damos_my_event'", "count: damos_my_event"), Ok(()));
        assert_eq!(
            verdict("'damon:*', 'damon:damos_my_event'", "mean: anything, of: 'damon:damos_my_event'"),
            Ok(())
        );
    }

    #[test]
    fn where_takes_the_events_fields_and_the_kdamond() {
        assert_eq!(verdict("'damon:*'", "count: damos_esz, where: {scheme_idx: 0, kdamond: 0}"), Ok(()));
        assert_eq!(verdict("'migrate:*'", "count: mm_migrate_pages, where: {reason: damon}"), Ok(()));
        let no = Err("damos_esz has no field 'nid'".to_owned());
        assert_eq!(verdict("'damon:*'", "count: damos_esz, where: {nid: 0}"), no);
    }

    #[test]
    fn a_mean_is_of_a_field_that_is_a_number() {
        assert_eq!(verdict("'damon:*'", "mean: esz, of: damos_esz"), Ok(()));
        let no = Err("damos_esz has no field 'kdamond'".to_owned());
        assert_eq!(verdict("'damon:*'", "mean: kdamond, of: damos_esz"), no);
        let no = Err("'probe_hits' is a list of bytes and has no mean".to_owned());
        assert_eq!(verdict("'damon:*'", "mean: probe_hits, of: damon_region_aggregated"), no);
    }
}
