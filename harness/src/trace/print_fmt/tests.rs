use super::*;
use crate::trace::raw::tests::{format, record_of};
use proptest::prelude::*;

/// What the kernel prints of a record of `a: u32`, `b: s64`, `name: char[8]`, `list: __data_loc u16[]`.
fn printed(print: &str) -> Result<String, String> {
    let format = format(
        &[
            "unsigned int a;\toffset:8;\tsize:4;\tsigned:0;",
            "long b;\toffset:16;\tsize:8;\tsigned:1;",
            "char name[8];\toffset:24;\tsize:8;\tsigned:0;",
            "__data_loc u16[] list;\toffset:32;\tsize:4;\tsigned:0;",
        ],
        print,
    );
    let mut bytes = vec![0; 40];
    bytes[8..12].copy_from_slice(&0xf000_0003_u32.to_le_bytes());
    bytes[16..24].copy_from_slice(&(-5_i64).to_le_bytes());
    bytes[24..28].copy_from_slice(b"kcom");
    bytes[32..36].copy_from_slice(&(4_u32 << 16 | 36).to_le_bytes());
    bytes[36..40].copy_from_slice(&[1, 2, 0xff, 0]);
    match format.print_fmt.reason() {
        Some(why) => Err(why),
        None => record_of(&format, &bytes).text(&mut Steps::new()).map(|text| text.to_string()),
    }
}

fn text(print: &str) -> String {
    printed(print).unwrap_or_else(|why| panic!("{print}: {why}"))
}

#[test]
fn numbers_are_printed_as_vsnprintf_prints_them() {
    for (print, expected) in [
        (r#""%u %d %x %#x", REC->a, REC->a, REC->a, REC->a"#, "4026531843 -268435453 f0000003 0xf0000003"),
        (
            r#""%ld %d %u %llx %hhd", REC->b, REC->b, REC->b, REC->b, REC->b"#,
            "-5 -5 4294967291 fffffffffffffffb -5",
        ),
        (r#""[%5d] [%-5d] [%05d] [%+d] [%.3d]", 42, 42, -42, 42, 42"#, "[   42] [42   ] [-0042] [+42] [042]"),
        (r#""%#x %o %#o %X %c%%", 0, 8, 8, 255, 65"#, "0x0 10 010 FF A%"),
        (r#""%*d|%.*s", 4, 7, 2, REC->name"#, "   7|kc"),
    ] {
        assert_eq!(text(print), expected, "{print}");
    }
}

#[test]
fn expressions_have_the_types_and_the_precedence_of_c() {
    for (print, expected) in [
        (
            r#""%u,%u", ((unsigned int) ((REC->a) >> 20)), ((unsigned int) ((REC->a) & ((1U << 20) - 1)))"#,
            "3840,3",
        ),
        (r#""%ld %ld %ld", REC->b / 2, REC->b >> 1, REC->b % 3"#, "-2 -3 -2"),
        (r#""%lu %lu", 1UL << 40, ~0UL"#, "1099511627776 18446744073709551615"),
        (r#""%d %d %d", -1 < 1U, -1 < 1, 2 + 3 * 4 == 14 && 1 | 0"#, "0 1 1"),
        (r#""%s", REC->b < 0 ? "below" : "above""#, "below"),
        (r#""%d", __get_dynamic_array_len(list) / sizeof(u16)"#, "2"),
        (r#""%d", __builtin_expect(!!(REC->a), 1)"#, "1"),
    ] {
        assert_eq!(text(print), expected, "{print}");
    }
}

#[test]
fn symbols_flags_and_arrays_are_named_as_the_kernel_names_them() {
    for (print, expected) in [
        (
            r#""%s %-4s|", __print_symbolic(REC->a, { 1, "one" }), __print_symbolic(2, {2, "b" })"#,
            "0xf0000003 b   |",
        ),
        (r#""%s", __print_flags(REC->a, "|", { 1, "A" }, { 2UL, "B" }, { 4, "C" })"#, "A|B|0xf0000000"),
        (r#""%s", (REC->a) ? __print_flags(3, " + ", {(unsigned long)(1 << 0) | 2, "ab"}) : "none""#, "ab"),
        (
            r#""%s %s", __print_hex(__get_dynamic_array(list), 3), __print_hex_str(REC->name, 2)"#,
            "01 02 ff 6b63",
        ),
        (r#""%s", __print_array(__get_dynamic_array(list), 2, 2)"#, "{0x201,0xff}"),
        (r#""%s " "and [%8s]", REC->name, __get_str(name)"#, "kcom and [    kcom]"),
    ] {
        assert_eq!(text(print), expected, "{print}");
    }
}

#[test]
fn what_cannot_be_computed_says_why() {
    for (print, expected) in [
        (r#""%p", REC->a"#, "%p prints what only the running kernel knows"),
        (r#""%pS", (void *)REC->b"#, "%pS prints what only the running kernel knows"),
        (r#""%s", REC->b"#, "%s of an address prints the kernel's memory"),
        (r#""%s", __print_symbolic(REC->a, { IOPRIO, "x" })"#, "IOPRIO has no value in the format"),
        (r#""%s", show_it(REC->a)"#, "show_it() is a function of the kernel"),
        (r#""%d""#, "its print fmt has 1 conversions and 0 arguments"),
        (r#""%d", REC->c"#, "the format has no field 'c'"),
        (r#""%d", REC->name[9]"#, "the record is shorter than its format says"),
        (r#""%d", REC->b / (REC->b + 5)"#, "a division by zero"),
        (r#"REC->a"#, "its print fmt does not begin with a text"),
        (r#""%d", (REC->a"#, "')' was expected, not the end"),
        (r#""%9999d", 1"#, "a width that is no width"),
    ] {
        assert_eq!(printed(print).unwrap_err(), expected, "{print}");
    }
}

#[test]
fn a_pointer_is_a_gap_in_a_text_of_which_all_the_rest_counts() {
    let fields = ["unsigned int a;\toffset:8;\tsize:4;\tsigned:0;"];
    let fits = |print: &str, text: &str| {
        let format = format(&fields, print);
        let bytes = [&[0; 8][..], &7_u32.to_le_bytes()].concat();
        record_of(&format, &bytes).text(&mut Steps::new()).unwrap().fits(text)
    };
    for print in [
        r#""page=%p a=%u by %pS, %u", REC->a, REC->a, REC->a, 1"#,
        r#""page=%*p a=%u by %s, %u", 4, 1, REC->a, f(1), 1"#,
    ] {
        assert!(fits(print, "page=00000000f3a2b1c0 a=7 by kdamond_fn+0x1/0x2, 1"), "{print}");
        for wrong in ["page=0f a=8 by f, 1", "page=0f a=7 by f, 2", "pages=0f a=7 by f, 1", "page=0f a=7", ""]
        {
            assert!(!fits(print, wrong), "{print}: {wrong}");
        }
    }
    assert!(fits(r#""a=%u", REC->a"#, "a=7") && !fits(r#""a=%u", REC->a"#, "a=70"));
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, close: &str| {
        printed(&format!(r#""%d", {}1{}"#, open.repeat(9_000), close.repeat(9_000)))
    };
    assert!(deep("(", ")").is_err());
    assert!(deep("!", "").is_err());
    assert!(deep("1 ? ", " : 1").is_err());
}

#[test]
fn the_text_gives_fields_their_labels_and_names_of_values() {
    let print = r#""nr=%lu mode=%s at:0x%lx name %s x=%d", REC->b, __print_symbolic(REC->a, {1, "one"}), REC->b, REC->name, REC->a + 1"#;
    let fields =
        ["unsigned int a;\toffset:8;\tsize:4;\tsigned:0;", "long b;\toffset:16;\tsize:8;\tsigned:1;"];
    let format = format(&fields, print);
    let labels: Vec<_> = format.typed.iter().map(|field| (field.shown_name(), field.kind)).collect();
    assert_eq!(labels, [("mode", crate::trace::Kind::Text), ("nr", crate::trace::Kind::Signed)]);
    assert_eq!(format.typed("mode"), format.typed("a"));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(print in r#""[%a-z0-9 .*#=ä\u{2028}-]{0,20}", [-A-Za-z0-9_>(){}, "?:+*/<&|!~]{0,60}"#) {
        let _ = printed(&print);
    }
}
