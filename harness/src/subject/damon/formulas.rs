//! The variants of the kernel functions that the oracle replays: which of them a source has, and which of them a recording was
//! made with.
//!
//! A variant is known by the one statement in which the variants differ, so that a bug in the rest of a function is still
//! compared with what the function should compute.

use crate::check::c_function;
use crate::check::rule::Reason;
use crate::recording::{Formulas, Recording};

/// The file with all of these functions.
const CORE: &str = "mm/damon/core.c";

/// The function of the feedback loop.
pub(crate) const FEED_LOOP: &str = "damon_feed_loop_next_input";

/// The function that computes the scores of goals.
pub(crate) const QUOTA_SCORE: &str = "damos_quota_score";

/// The function that measures the metric of a goal.
const CURRENT_VALUE: &str = "damos_set_quota_goal_current_value";

/// The name of a variant that is none of those below.
const OTHER: &str = "other";

/// How the feedback loop computes the share of its input that it adds or subtracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum FeedLoop {
    /// It divides first where the product would overflow, and so loses the rest of that division. Linux 7.3 has this one.
    #[default]
    DividesFirst,
    /// With `mult_frac()`, which is exact.
    MultFrac,
}

/// What the `complement` of a goal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Complement {
    /// Goals have none. So it is in Linux 7.3.
    None,
    /// The current value is what is left of 10000, and that is what the trace shows.
    OfValue,
    /// The score is computed from what is left of 10000. The trace shows the value before.
    OfScore,
}

impl FeedLoop {
    const NAMES: [(FeedLoop, &str); 2] =
        [(FeedLoop::DividesFirst, "divides-first"), (FeedLoop::MultFrac, "mult-frac")];

    fn meaning(self) -> &'static str {
        match self {
            FeedLoop::DividesFirst => "the variant that divides first where a product would overflow",
            FeedLoop::MultFrac => "the variant with mult_frac()",
        }
    }

    fn in_source(core: &str) -> Option<FeedLoop> {
        let body = code(core, FEED_LOOP)?;
        let only = |count, code| body.matches("compensation=").count() == count && body.contains(code);
        if only(1, "compensation=mult_frac(last_input,score_goal_diff,goal);") {
            return Some(FeedLoop::MultFrac);
        }
        let two = "if(last_input<ULONG_MAX/score_goal_diff)compensation=last_input*score_goal_diff/goal;\
                   elsecompensation=last_input/goal*score_goal_diff;";
        only(2, two).then_some(FeedLoop::DividesFirst)
    }
}

impl Complement {
    const NAMES: [(Complement, &str); 3] = [
        (Complement::None, "no-complement"),
        (Complement::OfValue, "complement-of-value"),
        (Complement::OfScore, "complement-of-score"),
    ];

    fn meaning(self) -> &'static str {
        match self {
            Complement::None => "a variant whose goals have no complement",
            Complement::OfValue => "a variant that gets the complement of a goal as its current value",
            Complement::OfScore => "a variant that takes the complement of a goal's current value itself",
        }
    }

    fn in_source(core: &str) -> Option<Complement> {
        let (value, score) = (code(core, CURRENT_VALUE)?, code(core, QUOTA_SCORE)?);
        match (value.contains("complement"), score.contains("complement")) {
            (false, false) => Some(Complement::None),
            (true, false) => {
                value.contains("goal->current_value=10000-goal->current_value").then_some(Complement::OfValue)
            }
            (false, true) => score.contains("10000-goal->current_value").then_some(Complement::OfScore),
            (true, true) => None,
        }
    }
}

/// The variant of each function that a kernel's source has. `text` has its files. Empty where it has no DAMON.
pub(crate) fn in_source(text: impl Fn(&str) -> Option<String>) -> Formulas {
    let Some(core) = text(CORE) else { return Formulas::new() };
    let feed_loop = name(&FeedLoop::NAMES, FeedLoop::in_source(&core));
    let complement = name(&Complement::NAMES, Complement::in_source(&core));
    [(FEED_LOOP, feed_loop), (QUOTA_SCORE, complement)]
        .map(|(function, variant)| (function.to_owned(), variant.to_owned()))
        .into()
}

/// The feedback loop of the recorded kernel, and a sentence that says which one it is.
///
/// # Errors
/// It is none of the known variants.
pub(crate) fn feed_loop(recording: &Recording) -> Result<(FeedLoop, String), Reason> {
    let Some(variant) = recorded(recording, FEED_LOOP) else {
        let assumed = FeedLoop::default();
        let what = format!("the source of this kernel is not known; {FEED_LOOP}() is taken as in Linux 7.3");
        return Ok((assumed, format!("{what}: {}", assumed.meaning())));
    };
    let found = of_name(&FeedLoop::NAMES, variant);
    let found = found.ok_or_else(|| format!("{FEED_LOOP}() of this kernel is none of the known variants"))?;
    Ok((found, format!("{FEED_LOOP}() of this kernel's source is {}", found.meaning())))
}

/// What the recorded kernel does with the complement of a goal; none where that is not known.
pub(crate) fn complement(recording: &Recording) -> Option<Complement> {
    let variant = recorded(recording, QUOTA_SCORE)?;
    of_name(&Complement::NAMES, variant)
}

/// What the variant of a function is, for people.
pub(crate) fn meaning(function: &str, variant: &str) -> &'static str {
    let known = match function {
        FEED_LOOP => of_name(&FeedLoop::NAMES, variant).map(FeedLoop::meaning),
        _ => of_name(&Complement::NAMES, variant).map(Complement::meaning),
    };
    known.unwrap_or(
        "none of the variants that damonlab knows, so the rule does not apply where it depends on it",
    )
}

fn of_name<T: Copy>(names: &[(T, &str)], name: &str) -> Option<T> {
    names.iter().find(|(_, known)| *known == name).map(|(found, _)| *found)
}

fn recorded<'a>(recording: &'a Recording, function: &str) -> Option<&'a str> {
    recording.meta.formulas.as_ref()?.get(function).map(String::as_str)
}

fn name<T: PartialEq>(names: &[(T, &'static str)], found: Option<T>) -> &'static str {
    names.iter().find(|(one, _)| Some(one) == found.as_ref()).map_or(OTHER, |(_, name)| name)
}

/// The definition of a function without comments and white space.
fn code(source: &str, function: &str) -> Option<String> {
    let lines: Vec<&str> = c_function::find(source, function)?.lines().collect();
    let text = lines.join("\n");
    let (mut rest, mut code) = (text.as_str(), String::new());
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        code.push_str(&rest[..at]);
        let end = if rest[at..].starts_with("/*") { "*/" } else { "\n" };
        rest = rest[at + 2..].split_once(end).map_or("", |(_, after)| after);
    }
    code.push_str(rest);
    code.retain(|c| !c.is_whitespace());
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::super::testing::Model;
    use super::*;

    /// The function of Linux 7.3.4 as it stands there.
    const LINUX_7_3: &str = include_str!("../../../../patches/functions/damon_feed_loop_next_input-7.3.c");

    const SCORES: &str = "
static void damos_set_quota_goal_current_value(struct damon_ctx *c,
\t\tstruct damos *s, struct damos_quota_goal *goal)
{
\tswitch (goal->metric) {
\tdefault:
\t\tbreak;
\t}
\t/* value */
}

static unsigned long damos_quota_score(struct damon_ctx *c, struct damos *s)
{
\tunsigned long current = goal->current_value;
\t/* score */
\treturn mult_frac(current, 10000, goal->target_value);
}
";

    fn found(source: &str) -> Formulas {
        in_source(|path| (path == "mm/damon/core.c").then(|| source.to_owned()))
    }

    /// The names of the two variants.
    fn names(source: &str) -> [String; 2] {
        let found = found(source);
        [FEED_LOOP, QUOTA_SCORE].map(|function| found[function].clone())
    }

    fn with_mult_frac() -> String {
        let (head, rest) = LINUX_7_3.split_once("\tif (last_input < ULONG_MAX / score_goal_diff)").unwrap();
        let tail = rest.split_once("* score_goal_diff;\n").unwrap().1;
        format!(
            "{head}\t// no overflow\n\tcompensation = mult_frac(last_input, score_goal_diff,\n\t\t\tgoal);\n{tail}"
        )
    }

    #[test]
    fn the_function_of_linux_7_3_is_the_variant_that_divides_first() {
        assert_eq!(names(&(LINUX_7_3.to_owned() + SCORES)), ["divides-first", "no-complement"]);
    }

    #[test]
    fn the_function_with_mult_frac_is_the_other_variant() {
        assert_eq!(names(&(with_mult_frac() + SCORES))[0], "mult-frac");
    }

    #[test]
    fn a_wrong_sign_in_the_rest_of_the_function_is_no_variant_of_its_own() {
        let wrong = LINUX_7_3.replace("max(last_input - compensation", "max(last_input + compensation");
        assert_ne!(wrong, LINUX_7_3);
        assert_eq!(names(&wrong)[0], "divides-first");
    }

    #[test]
    fn another_formula_and_a_function_that_is_not_there_are_none_of_the_variants() {
        let other = LINUX_7_3.replace("last_input / goal * score_goal_diff", "last_input");
        assert_eq!(names(&other)[0], "other");
        let twice = with_mult_frac().replace(
            "\tif (over_achieving)\n\t\treturn",
            "\tcompensation = 1;\n\tif (over_achieving)\n\t\treturn",
        );
        assert_eq!(names(&twice)[0], "other");
        assert_eq!(names("int f(void);\n"), ["other", "other"]);
    }

    #[test]
    fn a_kernel_without_damon_has_no_formulas() {
        assert_eq!(in_source(|_| None), Formulas::new());
    }

    #[test]
    fn a_complement_is_known_by_where_the_source_takes_it() {
        let statement = "if (goal->complement)\n\t\tgoal->current_value = 10000 - goal->current_value;";
        let value = SCORES.replace("/* value */", statement);
        let score = SCORES
            .replace("/* score */", "if (goal->complement)\n\t\tcurrent = 10000 - goal->current_value;");
        let both = score.replace("/* value */", statement);
        let other = SCORES.replace("/* value */", "if (goal->complement)\n\t\tgoal->current_value ^= 1;");
        let all = [&value, &score, &both, &other].map(|source| names(source)[1].clone());
        assert_eq!(all, ["complement-of-value", "complement-of-score", "other", "other"]);
    }

    #[test]
    fn an_old_recording_is_replayed_as_linux_7_3_and_the_sentence_says_so() {
        let mut recording = Model::consist().recording();
        let (variant, sentence) = feed_loop(&recording).unwrap();
        assert_eq!((variant, complement(&recording)), (FeedLoop::DividesFirst, None));
        assert!(sentence.contains("not known") && sentence.contains("Linux 7.3"), "{sentence}");
        recording.meta.formulas = Some(found(&(with_mult_frac() + SCORES)));
        let (variant, sentence) = feed_loop(&recording).unwrap();
        assert_eq!((variant, complement(&recording)), (FeedLoop::MultFrac, Some(Complement::None)));
        assert!(sentence.ends_with("with mult_frac()"), "{sentence}");
        recording.meta.formulas = Some(found("int f(void);\n"));
        assert!(feed_loop(&recording).unwrap_err().contains("none of the known variants"));
    }
}
