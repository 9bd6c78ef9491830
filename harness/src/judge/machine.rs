//! A guest that is not the machine that the scenario describes: nothing ran in it, and it shows nothing about the
//! kernel.

use crate::check::Verdict;
use crate::host::text::excerpt;
use damonlab_protocol::machine_view::Difference;

/// So many facts are shown; a guest's report has no bound.
const SHOWN: usize = 12;

/// The verdict on such a guest; none if it is the correct machine.
pub fn other_machine(differences: &[Difference]) -> Option<Verdict> {
    if differences.is_empty() {
        return None;
    }
    let fact = |one: &Difference| {
        let [what, wanted, seen] = [&one.what, &one.wanted, &one.seen].map(|text| excerpt(text));
        format!("{what}: described {wanted}, seen {seen}")
    };
    let mut facts: Vec<String> = differences.iter().take(SHOWN).map(fact).collect();
    if differences.len() > SHOWN {
        facts.push(format!("and {} more", differences.len() - SHOWN));
    }
    Some(Verdict::Infra(format!("the guest is not the machine that is described: {}", facts.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(what: &str) -> Difference {
        Difference { what: what.to_owned(), wanted: "27".to_owned(), seen: "4".to_owned() }
    }

    fn text(differences: &[Difference]) -> String {
        other_machine(differences).unwrap().to_string()
    }

    #[test]
    fn each_fact_is_shown_as_described_and_as_seen() {
        assert_eq!(
            text(&[difference("memory tier of node 1"), difference("memory tier of node 2")]),
            "infra: the guest is not the machine that is described: memory tier of node 1: described 27, \
             seen 4; memory tier of node 2: described 27, seen 4"
        );
    }

    #[test]
    fn the_machine_that_is_described_has_no_verdict_of_its_own() {
        assert_eq!(other_machine(&[]), None);
    }

    #[test]
    fn a_guest_cannot_flood_or_colour_the_report() {
        let many = vec![difference("\u{1b}[31mred"); 100];
        let text = text(&many);
        assert!(text.ends_with("; and 88 more") && !text.contains('\u{1b}'), "{text}");
        let long = text_of_length(10_000);
        assert!(long < 1000, "{long} characters");
    }

    fn text_of_length(length: usize) -> usize {
        text(&[difference(&"x".repeat(length))]).len()
    }
}
