use super::*;
use damonlab_protocol::record::SUB_BUFFER;
use damonlab_protocol::units::Nanos;
use proptest::prelude::*;

const HEADER_PAGE: &str = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\
    \tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n\tfield: char data;\toffset:16;\tsize:4080;\tsigned:0;\n";

const FORMAT: &str = "name: damon_x\nID: 512\nformat:\n\
    \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\
    \tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n\
    \tfield:int nid;\toffset:8;\tsize:4;\tsigned:1;\n\
    \tfield:__data_loc unsigned char[] hits;\toffset:12;\tsize:4;\tsigned:0;\n\n\
    print fmt: \"nid=%d\", REC->nid\n";

/// A file of blocks.
fn file(blocks: &[(&str, &[u8])]) -> Vec<u8> {
    let block = |(path, body): &(&str, &[u8])| [format!("{path} {}\n", body.len()).as_bytes(), body].concat();
    blocks.iter().flat_map(block).collect()
}

/// One sub-buffer whose first event is at `time` and its delta.
fn page(time: u64, words: &[u32]) -> Vec<u8> {
    let data: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut page = [&time.to_le_bytes()[..], &(data.len() as u64).to_le_bytes(), &data].concat();
    page.resize(SUB_BUFFER, 0xee);
    page
}

/// An event's head: its kind, or its payload's words, and the time since the one before.
fn head(kind: u32, delta: u32) -> u32 {
    delta << 5 | kind
}

/// `damon_x` of pid 52 with nid -1 and no hits.
const PAYLOAD: [u32; 4] = [512, 52, u32::MAX, 16];

fn times(pages: &[Vec<u8>]) -> Vec<u64> {
    let bytes = pages.concat();
    let mut times = Vec::new();
    pages::events(&bytes, |time, _| times.push(time.0)).unwrap();
    times
}

fn event(delta: u32) -> Vec<u32> {
    [&[head(4, delta)], &PAYLOAD[..]].concat()
}

#[test]
fn a_record_has_its_time_and_its_fields_with_their_signs() {
    let payload: Vec<u32> = [512, 52, u32::MAX, 3 << 16 | 16, 0x00ff_1a02].to_vec();
    let cpu = page(1_000, &[&[head(5, 499)], &payload[..]].concat());
    let bytes = file(&[
        ("events/header_page", HEADER_PAGE.as_bytes()),
        ("events/damon/damon_x/format", FORMAT.as_bytes()),
        ("per_cpu/cpu3/trace_pipe_raw", &cpu),
    ]);
    let raw = RawTrace::parse(&bytes).unwrap();
    let records = raw.records(usize::MAX).unwrap();
    let [record] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!((record.cpu, record.time, record.micros()), (3, Nanos(1_499), 1));
    assert_eq!(record.field("common_pid"), Some(Value::Signed(52)));
    assert_eq!(record.field("nid").unwrap().to_string(), "-1");
    assert_eq!(record.field("hits").unwrap().to_string(), "02 1a ff");
    assert_eq!(record.field("esz"), None);
}

#[test]
fn microseconds_are_rounded_as_the_kernel_rounds_them() {
    let at = |time| Record { cpu: 0, time: Nanos(time), format: None, bytes: &[] }.micros();
    assert_eq!([at(1_499), at(1_500), at(u64::MAX)], [1, 2, u64::MAX / 1000]);
}

#[test]
fn time_goes_on_by_deltas_extends_and_discarded_events() {
    let extend = [head(30, 5), 1];
    let discarded = [head(29, 7), 4, 0];
    let words = [&event(1)[..], &extend, &event(0), &discarded[..2], &event(2)].concat();
    assert_eq!(times(&[page(100, &words)]), [101, 106 + (1 << 27), 115 + (1 << 27)]);
}

#[test]
fn an_absolute_time_keeps_the_upper_bits_of_the_time_before() {
    let stamp = |time: u64| [head(31, (time & 0x7ff_ffff) as u32), (time >> 27) as u32];
    let before = 5 << 59 | 1_000;
    let words = [&stamp(2_000)[..], &event(0), &stamp(7), &event(0)].concat();
    assert_eq!(times(&[page(before, &words)]), [5 << 59 | 2_000, 6 << 59 | 7]);
    assert_eq!(times(&[page(1_000, &[&stamp(2_000)[..], &event(3)].concat())]), [2_003]);
}

#[test]
fn a_large_event_has_its_length_in_a_word_of_its_own() {
    let words = [&[head(0, 1), 4 + 16][..], &PAYLOAD, &event(1)].concat();
    assert_eq!(times(&[page(10, &words)]), [11, 12]);
}

#[test]
fn what_follows_a_null_event_is_not_read() {
    let words = [&event(1)[..], &[head(29, 0), 0xdead_beef]].concat();
    assert_eq!(times(&[page(10, &words), page(50, &event(1))]), [11, 51]);
}

#[test]
fn cpus_are_merged_by_time_and_then_by_number() {
    let [early, late] = [page(10, &event(0)), page(10, &[event(0), event(5)].concat())];
    let bytes = file(&[("per_cpu/cpu1/trace_pipe_raw", &early), ("per_cpu/cpu0/trace_pipe_raw", &late)]);
    let raw = RawTrace::parse(&bytes).unwrap();
    let order: Vec<_> =
        raw.records(usize::MAX).unwrap().iter().map(|record| (record.time.0, record.cpu)).collect();
    assert_eq!(order, [(10, 0), (10, 1), (15, 0)]);
}

#[test]
fn what_is_cut_or_makes_no_sense_is_named() {
    let failed = |bytes: &[u8]| {
        let raw = RawTrace::parse(bytes);
        raw.and_then(|raw| raw.records(usize::MAX).map(|_| ())).unwrap_err().to_string()
    };
    let cpu = |page: &[u8]| file(&[("per_cpu/cpu0/trace_pipe_raw", page)]);
    assert_eq!(failed(b"rubbish\n"), "byte 0: 'path length' was expected");
    assert_eq!(failed(b"a/format 7\nxyz"), "a/format has 7 bytes, of which 3 are there");
    assert_eq!(failed(&file(&[("a/format", b"name: x\n")])), "a/format: no ID");
    let other = HEADER_PAGE.replace("offset:8;\tsize:8", "offset:8;\tsize:4");
    let other = failed(&file(&[("events/header_page", other.as_bytes())]));
    assert_eq!(other, "events/header_page: commit is not where a 64-bit little-endian kernel has it");
    let long = failed(&cpu(&page(0, &[head(20, 0), 1])));
    assert_eq!(long, "CPU 0: sub-buffer 0, byte 0: an event longer than its sub-buffer");
    let huge = failed(&cpu(&page(0, &[head(0, 0), u32::MAX])));
    assert!(huge.ends_with("an event longer than its sub-buffer"), "{huge}");
    let mut commit = page(0, &[]);
    commit[8..10].copy_from_slice(&[0xff, 0xff]);
    assert!(failed(&cpu(&commit)).ends_with("more data than a sub-buffer holds"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(data in prop::collection::vec(any::<u32>(), 0..60), commit in any::<u64>()) {
        let mut page = page(commit, &data);
        page[8..16].copy_from_slice(&commit.to_le_bytes());
        for bytes in [page[..64].to_vec(), page] {
            let bytes = file(&[("events/damon/damon_x/format", FORMAT.as_bytes()), ("per_cpu/cpu0/trace_pipe_raw", &bytes)]);
            let raw = RawTrace::parse(&bytes).unwrap();
            for record in raw.records(usize::MAX).unwrap_or_default() {
                prop_assert!(record.field("hits").is_none_or(|hits| hits.to_string().len() <= 3 * SUB_BUFFER));
            }
        }
    }

    #[test]
    fn every_event_comes_back(deltas in prop::collection::vec(0u32..1 << 27, 1..100)) {
        let words: Vec<u32> = deltas.iter().flat_map(|delta| event(*delta)).collect();
        let mut time = 7;
        let sums: Vec<u64> = deltas.iter().map(|delta| { time += u64::from(*delta); time }).collect();
        prop_assert_eq!(times(&[page(7, &words)]), sums);
    }
}

/// A format with these fields and this text.
pub(crate) fn format(fields: &[&str], print: &str) -> RawFormat {
    let fields: String = fields.iter().map(|field| format!("\tfield:{field}\n")).collect();
    RawFormat::parse(&format!("name: made_up\nID: 7\nformat:\n{fields}\nprint fmt: {print}\n")).unwrap()
}

/// A record of such a format.
pub(crate) fn record_of<'a>(format: &'a RawFormat, bytes: &'a [u8]) -> Record<'a> {
    Record { cpu: 0, time: Nanos(0), format: Some(format), bytes }
}

#[test]
fn every_kind_of_field_has_its_type_and_its_value() {
    use crate::trace::Value as Typed;
    let format = format(
        &[
            "pid_t pid;\toffset:0;\tsize:4;\tsigned:1;",
            "void * at;\toffset:8;\tsize:8;\tsigned:0;",
            "char comm[4];\toffset:16;\tsize:4;\tsigned:0;",
            "u16 pair[2];\toffset:20;\tsize:4;\tsigned:0;",
            "__data_loc char[] path;\toffset:24;\tsize:4;\tsigned:0;",
            "__rel_loc s8[] deltas;\toffset:28;\tsize:4;\tsigned:0;",
            "enum mode mode;\toffset:32;\tsize:4;\tsigned:0;",
            "gfp_t flags;\toffset:36;\tsize:4;\tsigned:0;",
        ],
        r#""%s %s", __print_symbolic(REC->mode, {2, "async"}), __print_flags(REC->flags, "|", {1, "A"}, {2, "B"})"#,
    );
    let words: [u32; 10] =
        [-3_i32 as u32, 0, 8, 1, 0x0000_6261, 0x0002_0001, 3 << 16 | 40, 2 << 16 | 12, 2, 3];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.extend(b"/a\0\0");
    bytes.extend([0xff, 1]);
    let record = record_of(&format, &bytes);
    let values: Vec<Option<Typed>> = format.typed.iter().map(|field| record.value(field)).collect();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let expected = [
        Typed::Signed(-3),
        Typed::Unsigned(1 << 32 | 8),
        Typed::Text("ab".into()),
        Typed::UnsignedList(vec![1, 2]),
        Typed::Text("/a".into()),
        Typed::SignedList(vec![-1, 1]),
        Typed::Text("async".into()),
        Typed::Words(words(&["A", "B"])),
    ];
    assert_eq!(values.into_iter().map(Option::unwrap).collect::<Vec<_>>(), expected);
}
