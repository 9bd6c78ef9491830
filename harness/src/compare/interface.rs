//! The interface of DAMON to user space, its tracepoints and its sysfs tree, and how two kernels differ in it.

use crate::host::text::printable;
use crate::recording::Recording;
use crate::snapshot::tree;
use crate::trace::{EventFormat, formats};
use std::collections::BTreeMap;

/// The interface of one kernel, as a recording shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The tracepoints by name; none if their formats cannot be read.
    events: Option<BTreeMap<String, EventFormat>>,
    /// The modes by path, with `N` for every number in a path; none if the guest did not get that far.
    tree: Option<BTreeMap<String, String>>,
}

impl Interface {
    /// The interface in a recording.
    pub fn of(recording: &Recording) -> Interface {
        let by_name = |events: Vec<EventFormat>| events.into_iter().map(|event| (event.name.clone(), event));
        let events = formats(&recording.formats).ok().filter(|events| !events.is_empty());
        let tree: BTreeMap<String, String> =
            tree(recording).into_iter().map(|(path, mode)| (path, mode.to_owned())).collect();
        Interface {
            events: events.map(|events| by_name(events).collect()),
            tree: Some(tree).filter(|tree| !tree.is_empty()),
        }
    }

    /// The changes from this interface to `other`, one line each, tracepoints first: `+` new, `-` removed, `~` changed.
    pub fn changes(&self, other: &Interface) -> Vec<String> {
        let mut changes = Vec::new();
        if let (Some(old), Some(new)) = (&self.events, &other.events) {
            pairs(old, new, |name, old, new| match (old, new) {
                (None, _) => changes.push(format!("+ tracepoint {name}")),
                (_, None) => changes.push(format!("- tracepoint {name}")),
                (Some(old), Some(new)) => event_changes(old, new, &mut changes),
            });
        }
        if let (Some(old), Some(new)) = (&self.tree, &other.tree) {
            pairs(old, new, |path, old, new| match (old, new) {
                (None, mode) => changes.push(format!("+ sysfs {path} {}", mode.map_or("", String::as_str))),
                (_, None) => changes.push(format!("- sysfs {path}")),
                (Some(old), Some(new)) if old != new => {
                    changes.push(format!("~ sysfs {path}: mode {old}, then {new}"));
                }
                _ => {}
            });
        }
        changes.iter().map(|change| printable(change)).collect()
    }
}

/// Calls `each` with every key of either map, in order, and its two values.
fn pairs<T>(
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    mut each: impl FnMut(&str, Option<&T>, Option<&T>),
) {
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().for_each(|name| each(name, old.get(name), new.get(name)));
}

fn event_changes(old: &EventFormat, new: &EventFormat, changes: &mut Vec<String>) {
    let fields = |event: &EventFormat| -> BTreeMap<String, String> {
        let sign = |signed| if signed { "signed" } else { "unsigned" };
        let one = |field: &crate::trace::FormatField| {
            format!("{}, {} bytes, {}", field.declaration, field.size, sign(field.signed))
        };
        event.fields.iter().map(|field| (field.name.clone(), one(field))).collect()
    };
    let name = &new.name;
    let before = changes.len();
    pairs(&fields(old), &fields(new), |field, old, new| match (old, new) {
        (None, Some(new)) => changes.push(format!("+ field {field} of {name}: {new}")),
        (Some(_), None) => changes.push(format!("- field {field} of {name}")),
        (Some(old), Some(new)) if old != new => {
            changes.push(format!("~ field {field} of {name}: {old}, then {new}"));
        }
        _ => {}
    });
    let order = |event: &EventFormat| event.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
    if changes.len() == before && order(old) != order(new) {
        changes.push(format!("~ fields of {name}: {}, then {}", order(old).join(" "), order(new).join(" ")));
    }
    if old.print != new.print {
        changes.push(format!("~ text of {name}: {}, then {}", old.print, new.print));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::damon::testing::stored;

    fn changed(change: impl FnOnce(&mut Recording)) -> Vec<String> {
        let mut recording = stored("truth");
        let old = Interface::of(&recording);
        change(&mut recording);
        old.changes(&Interface::of(&recording))
    }

    #[test]
    fn an_interface_has_no_changes_from_itself() {
        assert_eq!(changed(|_| ()), [""; 0]);
    }

    #[test]
    fn new_and_removed_tracepoints_are_named() {
        let removed = changed(|r| {
            let (before, rest) = r.formats.split_once("name: damos_esz\n").unwrap();
            let after = rest.find("name: ").map_or("", |at| &rest[at..]);
            r.formats = format!("{before}{after}");
        });
        assert_eq!(removed, ["- tracepoint damos_esz"]);
        let new = changed(|r| r.formats.push_str("name: damos_new\nformat:\n\nprint fmt: \"x\"\n"));
        assert_eq!(new, ["+ tracepoint damos_new"]);
    }

    #[test]
    fn a_changed_field_and_a_changed_text_are_shown_before_and_after() {
        let changes = changed(|r| {
            r.formats = r
                .formats
                .replace("unsigned long esz;\toffset:16;\tsize:8;", "unsigned int esz;\toffset:16;\tsize:4;");
            r.formats = r.formats.replace("esz=%lu", "esz=%u");
        });
        assert_eq!(
            changes[0],
            "~ field esz of damos_esz: unsigned long esz, 8 bytes, unsigned, then unsigned int esz, 4 bytes, unsigned"
        );
        assert!(changes[1].starts_with("~ text of damos_esz: ") && changes.len() == 2, "{changes:?}");
    }

    #[test]
    fn a_new_or_removed_file_is_named_once_for_all_numbers_in_its_path() {
        let file = "kdamonds/0/contexts/0/schemes/0/action";
        let changes = changed(|r| {
            let line = r.sysfs.lines().find(|line| line.ends_with("schemes/0/action")).unwrap().to_owned();
            let (_, path) = line.split_once(' ').unwrap();
            r.sysfs =
                r.sysfs.lines().filter(|line| !line.ends_with("/action")).collect::<Vec<_>>().join("\n");
            r.sysfs.push_str(&format!("\n-r--r--r-- {path}_new\n"));
        });
        let path = file.replace('0', "N");
        assert!(
            changes.iter().any(|change| change.starts_with("- sysfs") && change.ends_with(&path)),
            "{changes:?}"
        );
        assert!(
            changes.iter().any(|change| change.ends_with(&format!("{path}_new -r--r--r--"))),
            "{changes:?}"
        );
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn a_guest_that_sent_no_interface_has_no_changes() {
        let changes = changed(|r| {
            r.formats.clear();
            r.sysfs.clear();
        });
        assert_eq!(changes, [""; 0]);
    }
}
