use super::*;
use crate::trace::{Kind, Value};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// Names of every type.
struct Fields;

impl Names for Fields {
    fn kind(&self, name: &str) -> Option<Kind> {
        Some(match name {
            "esz" | "before.esz" => Kind::Unsigned,
            "nid" => Kind::Signed,
            "reason" => Kind::Text,
            "flags" => Kind::Words,
            "hits" => Kind::UnsignedList,
            _ => return None,
        })
    }

    fn all(&self) -> Vec<String> {
        ["esz", "before.esz", "nid", "reason", "flags", "hits"].map(str::to_owned).to_vec()
    }

    fn of(&self) -> String {
        "damos_made_up".to_owned()
    }
}

fn value(name: &str) -> Option<Value> {
    Some(match name {
        "esz" => Value::Unsigned(u64::MAX),
        "before.esz" => Value::Unsigned(3),
        "nid" => Value::Signed(-1),
        "reason" => Value::Text("demotion".into()),
        "flags" => Value::Words(vec!["A".into(), "B".into()]),
        "hits" => Value::UnsignedList(vec![1, 2]),
        _ => return None,
    })
}

fn evaluated(
    expression: &Expression,
    value: &(dyn Fn(&str) -> Option<Value> + Sync),
) -> Result<bool, String> {
    Evaluator::run(&Budget::new(), |evaluator| evaluator.holds(expression, value)).unwrap()
}

fn holds(text: &str) -> Result<bool, String> {
    let expression = Expression::parse(text).map_err(|mistake| mistake.message)?;
    expression.check(&Fields).map_err(|mistake| mistake.message)?;
    evaluated(&expression, &value)
}

fn mistake(text: &str) -> (String, Option<&str>) {
    let mistake = match Expression::parse(text) {
        Err(mistake) => mistake,
        Ok(expression) => expression.check(&Fields).unwrap_err(),
    };
    (mistake.message, mistake.at.map(|at| &text[at]))
}

#[test]
fn prefix_operators_one_after_the_other_are_bounded_as_all_others_are() {
    let error = Expression::parse(&format!("{}true", "!".repeat(65))).unwrap_err();
    assert_eq!(error.message, "more than 64 operators one after the other");
    assert!(Expression::parse(&format!("{}true", "!".repeat(64))).is_ok());
    assert!(Expression::parse(&format!("{}x == 1", "- ".repeat(65))).is_err());
}

#[test]
fn what_looks_like_prefix_operators_in_a_string_or_a_comment_is_none() {
    let dashes = "-".repeat(65);
    for literal in ["'_'", "\"_\"", "'''_'''", "r'_'", r"'\'_'", "\"'_\"", "'é_'", "b'_'", "'' // _"] {
        let text = format!("reason == {}", literal.replace('_', &dashes));
        assert!(Expression::parse(&text).is_ok(), "{text}");
    }
    for literal in ["'a'", r"r'\'", r"'\\'", "'''a'b'''", "'' // '\n"] {
        for text in [format!("{literal} == {dashes}x"), format!("{literal} == {dashes}x // '")] {
            let error = Expression::parse(&text).unwrap_err();
            assert!(error.message.starts_with("more than 64 operators"), "{text}: {error:?}");
        }
    }
}

#[test]
fn numbers_are_exact_over_all_64_bits_whatever_their_sign() {
    for text in [
        "esz == 18446744073709551615u",
        "esz > 9223372036854775807",
        "nid < esz && esz > nid && nid != esz",
        "-9223372036854775808 < nid",
        "esz - 18446744073709551614u == 1u",
        "int(before.esz) - 5 == -2",
        "nid % 2 == -1 && -nid == 1",
        "before.esz in [1, 2, 3] && !(before.esz in [4u])",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn texts_flags_and_lists_are_compared_by_their_values() {
    for text in [
        "reason == 'demotion' && reason.startsWith('dem') && size(reason) == 8",
        "'A' in flags && !('C' in flags) && size(flags) == 2",
        "hits[1] == 2 && hits.size() == 2 && hits == [1u, 2u]",
        "nid < 0 ? reason != '' : false",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn what_has_no_value_says_why_unless_the_rest_decides() {
    for (text, why) in [
        ("esz + 1u > 0u", "a number leaves the range of its type"),
        ("before.esz - 5u > 0u", "a number leaves the range of its type"),
        ("int(esz) > 0", "int() of a number that is out of its range"),
        ("uint(nid) > 0u", "uint() of a number that is out of its range"),
        ("nid / 0 == 0", "a division by zero"),
        ("hits[2] == 0u", "an index that the list does not have"),
    ] {
        assert_eq!(holds(text), Err(why.to_owned()), "{text}");
        assert_eq!(holds(&format!("nid < 0 || {text}")), Ok(true), "{text}");
    }
}

#[test]
fn a_mistake_is_named_with_its_place() {
    for (text, message, at) in [
        ("0 <= ezs", "damos_made_up has no field 'ezs'", Some("ezs")),
        ("before.ezs < 1u", "damos_made_up has no field 'before.ezs'", Some("before.ezs")),
        ("esz + 1 > 0u", "'+' does not go with uint and int", None),
        ("-esz < 0", "'-' does not go with uint", None),
        ("esz", "this is a value of type uint, and not true or false", None),
        ("reason == 3", "'==' does not go with string and int", None),
        ("esz < 1.5", "rules compute with whole numbers, which are exact", None),
        ("hits.all(x, x > 0u)", "the macros of CEL (all, exists, map, filter): not available in rules", None),
        ("matches(reason, 'a')", "there is no function 'matches' in rules", Some("matches")),
        ("esz <", "this is no expression: the expression ends too early", Some("")),
        ("esz § 1u", "this is no expression: token recognition error at: '§'", Some("§")),
        ("{1: 2} == {1: 2}", "maps and messages: not available in rules", None),
    ] {
        assert_eq!(mistake(text), (message.to_owned(), at), "{text}");
    }
}

#[test]
fn a_number_of_the_wrong_type_gets_the_one_to_write() {
    let help = |text| Expression::parse(text).unwrap().check(&Fields).unwrap_err().help.unwrap();
    assert_eq!(help("esz * 2 > 0u"), "write 2u, which is a uint, or convert the other one: int(x)");
    assert_eq!(help("esz - nid > 0"), "convert one of them: int(x) or uint(x)");
}

/// Texts that take long, or much memory, where nothing bounds them.
fn hostile() -> Vec<String> {
    let nested =
        |open: &str, middle: &str, close: &str, count| open.repeat(count) + middle + &close.repeat(count);
    vec![
        nested("(", "1", ")", 240),
        nested("!", "true", "", 490),
        nested("[", "", "]", 240),
        nested("esz?", "1", ":2", 80),
        nested("hits.all(x, ", "x", ")", 30),
        nested("esz + ", "esz", "", 80) + " > 0u",
        nested("size(", "reason", ")", 60),
        nested("hits == ", "hits", "", 50),
        nested("hits[", "0", "]", 70),
        nested("a.", "a", "", 240),
        nested("[reason, ", "reason", "]", 40) + " == flags",
        "'".repeat(499),
        "9".repeat(499),
        "\u{0}".repeat(499),
    ]
}

#[test]
fn a_hostile_expression_takes_little_time() {
    let begin = Instant::now();
    for text in hostile() {
        let _ = holds(&text);
    }
    let taken = begin.elapsed();
    assert!(taken < Duration::from_secs(2), "{taken:?}");
    assert!(Expression::parse(&"1 ".repeat(400)).unwrap_err().message.contains("is too long; 500 at most"));
}

#[test]
fn all_evaluations_together_take_a_bounded_number_of_steps() {
    let expression = Expression::parse("hits == hits").unwrap();
    let budget = Budget::new();
    let long = |_: &str| Some(Value::UnsignedList(vec![0; 500_000]));
    let count = Evaluator::run(&budget, |evaluator| {
        (0..1_000).take_while(|_| evaluator.holds(&expression, &long).is_ok()).count()
    });
    assert!((50..500).contains(&count.unwrap()), "{count:?}");
    assert!(budget.is_used_up());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[-a-z0-9_.()\\[\\]{}'\"?:+*/%<>=!&|, ]{0,80}") {
        let _ = holds(&text);
    }

    #[test]
    fn comparisons_and_sums_are_those_of_whole_numbers(a: u64, b: i64, c: u64) {
        let value = |name: &str| Some(match name {
            "esz" => Value::Unsigned(a),
            "nid" => Value::Signed(b),
            _ => Value::Unsigned(c),
        });
        let (wide_a, wide_b, wide_c) = (i128::from(a), i128::from(b), i128::from(c));
        let is = |text: &str| evaluated(&Expression::parse(text).unwrap(), &value);
        prop_assert_eq!(is("esz < nid"), Ok(wide_a < wide_b));
        prop_assert_eq!(is("esz >= nid"), Ok(wide_a >= wide_b));
        prop_assert_eq!(is("esz == nid"), Ok(wide_a == wide_b));
        let sum = is("esz + before.esz >= esz");
        prop_assert_eq!(sum.is_ok(), wide_a + wide_c <= i128::from(u64::MAX));
        prop_assert_eq!(is("esz - before.esz <= esz").is_ok(), wide_a >= wide_c);
    }
}
