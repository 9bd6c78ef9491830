//! The rules on small made-up sources: each finds what it is for, and nothing else.

use super::rules::{self, Violation};
use super::tree::Crate;
use std::collections::BTreeMap;
use std::fs;

fn texts(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| (format!("src/{path}"), (*text).to_owned())).collect()
}

fn sources(files: &[(&str, &str)]) -> Crate {
    Crate::of(&texts(files), "src/lib.rs").unwrap()
}

/// Each need as `from:line to`.
fn links(files: &[(&str, &str)]) -> Vec<String> {
    let short = |path: &str| path.trim_start_matches("src/").to_owned();
    let links = sources(files).links();
    links.iter().map(|link| format!("{}:{} {}", short(&link.from), link.line, short(&link.to))).collect()
}

fn places(violations: &[Violation]) -> Vec<(&str, usize)> {
    violations.iter().map(|one| (one.file.trim_start_matches("src/"), one.line)).collect()
}

#[test]
fn a_reexport_leads_to_the_file_that_defines_the_item() {
    let found = links(&[
        ("lib.rs", "pub mod a;\nmod user;"),
        ("a/mod.rs", "mod b;\npub use b::{Other, Thing as Renamed};"),
        ("a/b.rs", "pub struct Thing;\npub enum Other { One }"),
        ("user.rs", "use crate::a::Renamed;\n\nfn f() -> Renamed { crate::a::Renamed }"),
    ]);
    assert_eq!(found, ["a/mod.rs:2 a/b.rs", "a/mod.rs:2 a/b.rs", "user.rs:1 a/b.rs", "user.rs:3 a/b.rs"]);
}

#[test]
fn a_path_through_an_imported_module_counts_and_the_import_of_the_module_does_not() {
    let found = links(&[
        ("lib.rs", "pub mod a;\nmod user;"),
        ("a.rs", "pub mod deep;\npub fn call() {}"),
        ("a/deep.rs", "pub const LIMIT: u8 = 1;"),
        ("user.rs", "use crate::a::{self, deep};\nfn f() { a::call(); assert!(deep::LIMIT > 0) }"),
    ]);
    assert_eq!(found, ["user.rs:2 a.rs", "user.rs:2 a/deep.rs"]);
}

#[test]
fn a_function_may_have_the_name_of_its_module() {
    let found = links(&[
        ("lib.rs", "mod order;\nmod user;\npub use order::order;"),
        ("order.rs", "pub fn order() {}"),
        ("user.rs", "fn f() { super::order() }"),
    ]);
    assert_eq!(found, ["lib.rs:3 order.rs", "user.rs:1 order.rs"]);
}

#[test]
fn imports_in_functions_count_and_comments_strings_and_tests_do_not() {
    let found = links(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        (
            "a.rs",
            "//! See crate::b::B.\n/// [`crate::b::B`]\nfn f() -> &'static str {\n    use crate::c::C;\n    \"crate::b::B\"\n}\n\
             #[cfg(test)]\nmod tests {\n    use crate::b::B;\n}",
        ),
        ("b.rs", "pub struct B;"),
        ("c.rs", "pub struct C;"),
    ]);
    assert_eq!(found, ["a.rs:4 c.rs"]);
}

#[test]
fn a_module_of_tests_is_no_part_of_the_crate() {
    let all = sources(&[
        ("lib.rs", "mod a;\n#[cfg(test)]\nmod testkit;"),
        ("a.rs", "pub struct A;"),
        ("testkit.rs", "use crate::a::A;"),
    ]);
    assert_eq!(all.files.len(), 2);
}

#[test]
fn a_module_without_a_file_is_refused() {
    let error = Crate::of(&texts(&[("lib.rs", "mod absent;")]), "src/lib.rs").err().unwrap();
    assert_eq!(error, "src/lib.rs: no file for `mod absent`");
}

#[test]
fn two_files_that_need_each_other_through_a_reexport_are_a_circle() {
    let all = sources(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod one;\nmod two;\npub use one::One;\npub use two::Two;"),
        ("a/one.rs", "use super::Two;\npub struct One(Two);"),
        ("a/two.rs", "use crate::a;\npub struct Two(Option<Box<a::One>>);"),
    ]);
    let found = rules::circular_imports(&all.links());
    assert_eq!(places(&found), [("a/one.rs", 1)]);
    assert!(found[0].wrong.contains("src/a/two.rs needs src/a/one.rs (2: a::One)"), "{}", found[0]);
}

#[test]
fn an_index_that_uses_a_child_which_needs_it_is_in_a_circle_and_one_that_only_reexports_is_not() {
    let circles = |index: &str| {
        let one = "use super::LIMIT;\npub fn one() -> u8 { LIMIT }";
        let all = sources(&[("lib.rs", "mod a;"), ("a/mod.rs", index), ("a/one.rs", one)]);
        rules::circular_imports(&all.links()).len()
    };
    assert_eq!(circles("mod one;\npub use one::one;\npub const LIMIT: u8 = 1;"), 0);
    assert_eq!(circles("mod one;\npub const LIMIT: u8 = 1;\npub fn two() -> u8 { one::one() }"), 1);
}

#[test]
fn needs_that_run_one_way_are_no_circle() {
    let all = sources(&[
        ("lib.rs", "mod a;\nmod b;\nmod c;"),
        ("a.rs", "pub struct A;"),
        ("b.rs", "use crate::a::A;\npub struct B(A);"),
        ("c.rs", "use crate::{a::A, b::B};\npub struct C(A, B);"),
    ]);
    assert_eq!(rules::circular_imports(&all.links()), []);
}

#[test]
fn an_import_from_a_floor_above_is_found_and_one_from_below_is_not() {
    let all = sources(&[
        ("lib.rs", "pub mod low;\npub mod high;"),
        ("low/mod.rs", "mod deep;"),
        ("low/deep.rs", "pub fn f() {\n    crate::high::g()\n}"),
        ("high.rs", "use crate::low;\npub fn g() { low::f() }"),
    ]);
    let found = rules::upward_imports(&all.links(), &["low", "high"], "src");
    assert_eq!(places(&found), [("low/deep.rs", 2)]);
}

#[test]
fn a_folder_below_a_module_may_stand_on_a_floor_of_its_own() {
    let all = sources(&[
        ("lib.rs", "mod scenario;\nmod subject;"),
        ("subject/mod.rs", "pub mod config;\npub fn rule() { crate::scenario::read() }"),
        ("subject/config.rs", "pub struct Config;"),
        (
            "scenario.rs",
            "pub fn read() { crate::subject::rule() }\npub fn f(_: crate::subject::config::Config) {}",
        ),
    ]);
    let found = rules::upward_imports(&all.links(), &["subject/config", "scenario", "subject"], "src");
    assert_eq!(places(&found), [("scenario.rs", 1)]);
}

#[test]
fn the_floors_are_the_modules_of_the_root_in_their_order() {
    let all = sources(&[
        ("lib.rs", "pub mod z;\npub mod a;"),
        ("z/mod.rs", "mod deep;"),
        ("z/deep.rs", ""),
        ("a.rs", ""),
    ]);
    assert_eq!(all.floors(), ["z", "a"]);
}

#[test]
fn a_mod_rs_with_a_function_an_impl_or_a_macro_has_logic() {
    let all = sources(&[
        ("lib.rs", "//! A crate.\npub mod a;\nmod b;"),
        (
            "a/mod.rs",
            "mod one;\npub use one::One;\npub const LIMIT: u8 = { 1 };\npub(crate) fn logic() {}\nimpl One {}\n\
             macro_rules! m { () => {} }\nstruct Data;\n#[cfg(test)]\nmod tests { fn fine() {} }",
        ),
        ("a/one.rs", "pub struct One;"),
        ("b.rs", "fn logic() {}"),
    ]);
    let found = rules::logic_in_mod_rs(&all);
    assert_eq!(places(&found), [("a/mod.rs", 4)]);
    assert!(found[0].wrong.ends_with(": fn logic, impl, macro_rules m"), "{}", found[0]);
}

#[test]
fn a_file_may_have_400_lines_and_no_more() {
    let found = rules::long_files(&texts(&[("a.rs", &"\n".repeat(400)), ("b.rs", &"\n".repeat(401))]));
    assert_eq!(places(&found), [("b.rs", 401)]);
}

#[test]
fn a_setting_of_clippy_that_is_removed_is_missing() {
    let read = |file: &str| fs::read_to_string(super::repository().join(file)).unwrap();
    assert_eq!(rules::missing_settings(read), []);
    let found = rules::missing_settings(|file| read(file).replace("Command::spawn", "Command::args"));
    assert_eq!(found.len(), 1);
    assert!(found[0].wrong.contains("Command::spawn"), "{}", found[0]);
}

#[test]
fn only_host_may_overrule_clippy() {
    let allow = "#[expect(clippy::disallowed_methods)]\nfn f() {}";
    let found =
        rules::clippy_is_not_overruled(&texts(&[("host/a.rs", allow), ("vm/a.rs", allow)]), "src/host");
    assert_eq!(places(&found), [("vm/a.rs", 1)]);
}

#[test]
fn only_host_and_guests_start_process_groups() {
    let start = "fn f() {\n    let group = LoggedGroup::spawn(&mut command)?;\n}";
    let found = rules::unlimited_programs(
        &texts(&[("host/a.rs", start), ("vm/a.rs", start), ("vm/b.rs", start), ("vm/c.rs", "")]),
        "src/host",
        &[("src/vm/b.rs", "a guest"), ("src/vm/c.rs", "no guest any more")],
    );
    assert_eq!(places(&found), [("vm/a.rs", 2), ("vm/c.rs", 1)]);
}

fn judging(judge: &str) -> Vec<Violation> {
    let files = [
        ("lib.rs", "mod host;\nmod vm;\nmod check;\nmod judge;"),
        ("host.rs", "pub struct Text;"),
        ("vm/mod.rs", "mod start;\npub use start::start;"),
        ("vm/start.rs", "pub fn start() { end() }\nfn end() {}"),
        ("check.rs", "use crate::host::Text;\npub struct Check(Text);\npub fn far() { crate::vm::start() }"),
        ("judge/mod.rs", "mod verdict;"),
        ("judge/verdict.rs", judge),
    ];
    let all = sources(&files);
    let paths: Vec<String> = all.files.iter().map(|file| file.path.clone()).collect();
    rules::judging_boots_nothing(&all.links(), &paths, "src", &["vm"])
}

#[test]
fn what_judging_needs_is_followed_through_other_modules() {
    assert_eq!(judging("use crate::host::Text;\npub struct Verdict(Text);"), []);
    let found = judging("use crate::check::Check;\npub struct Verdict(Check);");
    assert_eq!(places(&found), [("check.rs", 3)]);
    let found = judging("pub fn verdict() { crate::vm::start() }");
    assert_eq!(places(&found), [("judge/verdict.rs", 1)]);
}

#[test]
fn a_judge_that_is_gone_is_a_violation_and_no_pass() {
    assert_eq!(rules::judging_boots_nothing(&[], &["src/lib.rs".to_owned()], "src", &["vm"]).len(), 1);
}

#[test]
fn a_tracepoint_is_named_by_its_table_alone() {
    let all = sources(&[
        ("lib.rs", "mod events;\nmod user;"),
        ("events.rs", "pub const ESZ: &str = \"damos_esz\";\npub const KEY: &str = \" esz=\";"),
        (
            "user.rs",
            "const A: &str = \"damos_esz\";\nconst B: &[&str] = &[\"damon:damos_esz\"];\n\
             const C: &str = \"the kernel emits damos_esz\";\n#[cfg(test)]\nmod tests { const D: &str = \"damos_esz\"; }",
        ),
    ]);
    let names = rules::tracepoints(&all, &["src/events.rs"]);
    assert_eq!(names.iter().collect::<Vec<_>>(), ["damos_esz"]);
    assert_eq!(
        places(&rules::typed_tracepoints(&all, &names, &["src/events.rs"])),
        [("user.rs", 1), ("user.rs", 2)]
    );
}

#[test]
fn a_subject_is_imported_by_those_on_the_list_alone() {
    let all = sources(&[
        ("lib.rs", "mod subject;\nmod run;"),
        ("subject/mod.rs", "mod damon;\npub mod registry;"),
        ("subject/damon/mod.rs", "mod events;\npub use events::Esz;"),
        ("subject/damon/events.rs", "pub struct Esz;"),
        ("subject/registry.rs", "use super::damon::Esz;\npub struct All(Esz);"),
        ("run.rs", "fn f(_: crate::subject::damon::Esz) {}"),
    ]);
    let files: Vec<String> = all.files.iter().map(|file| file.path.clone()).collect();
    let check =
        |may: &[(&str, &str)]| rules::subject_stands_apart(&all.links(), &files, "src/subject/damon", may);
    assert_eq!(places(&check(&[("src/subject/registry.rs", "it lists subjects")])), [("run.rs", 1)]);
    let found = check(&[("src/subject/registry.rs", ""), ("src/run.rs", ""), ("src/lib.rs", "")]);
    assert_eq!(places(&found), [("lib.rs", 1)]);
}
