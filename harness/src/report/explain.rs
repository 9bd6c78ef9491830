//! The page of a rule, and the list of all that have one.
//!
//! For programs `explain RULE` has the fields of [`Page`] and `kernel`, whose lines the page shows; `explain` has a list
//! of `id` and `what`.

use super::event::{Listing, data};
use crate::judge::{self, Page};
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

/// All rules, and the ways for a run to end, a line each.
pub fn explained() -> Listing {
    let all = judge::list();
    let text = all.iter().map(|(id, what)| format!("{id:<17} {what}\n")).collect();
    let data = all.iter().map(|(id, what)| json!({"id": id, "what": what})).collect();
    Listing { command: COMMAND, text, data }
}
