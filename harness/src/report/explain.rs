//! The page of a rule, and the list of all that have one.
//!
//! For programs `explain RULE` has the fields of [`Page`] and `kernel`, whose lines the page shows; for a rule that a file states,
//! `name`, `place`, `event`, `when`, `key` and `statement`; `explain` has a list of `id` and `what`.

use super::event::{Listing, data};
use crate::expression::Expression;
use crate::judge::{self, Page};
use crate::scenario::ScenarioRule;
use serde_json::json;

const COMMAND: &str = "explain";

const NO_SOURCE: &str = "The source of this kernel is not on this machine, so its lines are not shown. `damonlab kernel \
    build` fetches the default\nkernel and builds it; --kernel DIR shows those of a source tree.";

/// The page of a rule, with lines of the source of `kernel`, where that is on this machine.
pub fn explanation(page: &Page, kernel: Option<&str>) -> Listing {
    let mut text = page.to_string();
    match kernel {
        Some(kernel) if page.has_source() => text.push_str(&format!("\nThe lines are those of {kernel}.\n")),
        None if page.has_source() => text.push_str(&format!("\n{NO_SOURCE}\n")),
        _ => {}
    }
    let mut data = data(page);
    data["kernel"] = json!(kernel);
    Listing { command: COMMAND, text, data }
}

/// The page of a rule that a file states, which is at `place`.
pub fn stated_rule(rule: &ScenarioRule, place: &str) -> Listing {
    let when = rule.when.as_ref().map(Expression::text);
    let mut text = format!("{}\n\nStated in {}, about {}: {}.\n", rule.name, place, rule.event, rule.form);
    if let Some(when) = when {
        text.push_str(&format!("Only events count for which {when}.\n"));
    }
    if !rule.key.is_empty() {
        text.push_str(&format!("Events are compared that have the same {}.\n", rule.key.join(", ")));
    }
    text.push_str("It is checked where a scenario states it or --rules names its file. docs/rules.md has the forms of rules.\n");
    let data = json!({
        "name": &*rule.name, "place": place, "event": rule.event, "when": when, "key": rule.key,
        "statement": rule.form.to_string(),
    });
    Listing { command: COMMAND, text, data }
}

/// All rules, and the ways for a run to end, a line each.
pub fn explained() -> Listing {
    let all = judge::list();
    let text = all.iter().map(|(id, what)| format!("{id:<17} {what}\n")).collect();
    let data = all.iter().map(|(id, what)| json!({"id": id, "what": what})).collect();
    Listing { command: COMMAND, text, data }
}
