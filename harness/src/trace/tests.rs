use super::whole::UNREADABLE_KEPT;
use super::*;
use crate::host::budget::Budget;
use damonlab_protocol::units::{BasisPoints, Bytes, Nanos};
use proptest::prelude::*;

event_set! {
    /// Events with every type of field.
    Event
    /// Several fields, of which one has no name in the text, and one another name in the record.
    Reading "reading" {
        "id=" id as reading_id: u32,
        " share=" share: BasisPoints,
        " at=" at: u64,
        "-" offset: i32,
    }
    /// An array.
    Hits "hits" {
        "hits=" hits: HexBytes,
    }
}

type Line = super::Line<Event>;
type Trace = super::Trace<Event>;

const HEADER: &str = "# tracer: nop
#
# entries-in-buffer/entries-written: 2/5   #P:1
#
#                                _-----=> irqs-off/BH-disabled
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
";
const FIRST: &str = "       kdamond.0-52      [000] .....    12.345678: reading: id=0 share=1 at=1048576-0";
const SECOND: &str = "       kdamond.0-52      [000] .....    12.345679: sched_wakeup: comm=a pid=1";

#[test]
fn a_file_has_a_header_events_losses_and_lines_that_cannot_be_read() {
    let text =
        format!("{HEADER}{FIRST}\nCPU:0 [LOST 12 EVENTS]\n{SECOND}\nCPU:1 [LOST EVENTS]\n =>schedule\n");
    let trace = Trace::parse(&text);
    assert_eq!(trace.entries, Some(Entries { in_buffer: 2, written: 5 }));
    assert_eq!(trace.lines.iter().map(|line| line.number).collect::<Vec<_>>(), [7, 9]);
    assert_eq!(
        trace.losses.iter().map(|loss| (loss.number, loss.count)).collect::<Vec<_>>(),
        [(8, Some(12)), (10, None)]
    );
    assert_eq!((trace.unreadable[0].number, trace.unreadable_count), (11, 1));
    assert_eq!(trace.unreadable[0].text, " =>schedule");
}

fn budget() -> Budget {
    Budget::new(Bytes::MIB)
}

#[test]
fn the_memory_of_a_trace_is_bounded_whatever_its_lines_are() {
    let other = format!("{SECOND}\n").repeat(10_000);
    for text in [format!("{FIRST}\n").repeat(20_000), other, "CPU:0 [LOST EVENTS]\n".repeat(20_000)] {
        let error = Trace::read(text.as_bytes(), &mut budget(), 0).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
    }
    let rubbish = "rubbish\n".repeat(1_000_000);
    assert_eq!(Trace::read(rubbish.as_bytes(), &mut budget(), 0).unwrap().unreadable_count, 1_000_000);
}

#[test]
fn a_line_without_an_end_is_read_in_parts_of_which_none_is_an_event() {
    let text = [&[0; (1 << 20) - 1], b"\n".as_slice(), FIRST.as_bytes()].concat();
    let mut budget = Budget::new(Bytes(8 << 20));
    let trace = Trace::read(text.as_slice(), &mut budget, 0).unwrap();
    assert_eq!((trace.unreadable_count, trace.unreadable[0].text.len()), (16, 64 << 10));
    assert_eq!((trace.lines.len(), trace.lines[0].number), (1, 2));
}

#[test]
fn reading_and_parsing_give_the_same() {
    let text = format!("{HEADER}{FIRST}\n{SECOND}\n\n");
    assert_eq!(Trace::read(text.as_bytes(), &mut budget(), 0).unwrap(), Trace::parse(&text));
}

#[test]
fn bytes_that_are_no_text_invalidate_their_line_only() {
    let text = [FIRST.as_bytes(), b"\n", &FIRST.as_bytes()[..80], b"\xff\n", SECOND.as_bytes()].concat();
    let trace = Trace::read(text.as_slice(), &mut budget(), 0).unwrap();
    assert_eq!((trace.lines.len(), trace.unreadable_count), (2, 1));
}

#[test]
fn of_endless_rubbish_only_the_beginning_is_kept() {
    let trace = Trace::parse(&"rubbish\n".repeat(1000));
    assert_eq!((trace.unreadable.len(), trace.unreadable_count), (UNREADABLE_KEPT, 1000));
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        (any::<u64>(), any::<prop::sample::Index>())
            .prop_map(|(number, which)| { which.get(&Event::samples(|| number)).clone() }),
        ("[a-z_]{1,20}", "[ -~]{0,60}").prop_filter_map("a name without a type", |(name, text)| {
            let known = Event::KNOWN.contains(&name.as_str());
            (!known).then(|| Event::Other(Box::new(Other { name: name.into(), text: text.into() })))
        }),
    ]
}

#[test]
fn a_field_is_found_by_the_name_of_the_tracepoint() {
    let event = Event::scan(Reading::NAME, "id=7 share=70 at=4096--3").unwrap();
    assert_eq!(event.field("at"), Some(Field::Unsigned(4096)));
    assert_eq!(event.field("offset").unwrap().number(), Some(-3.0));
    assert_eq!(event.field("size"), None);
    assert_eq!(event.field_names(), ["id", "share", "at", "offset"]);
    assert_eq!(Event::FIELDS[0], (Reading::NAME, &["id", "share", "at", "offset"][..]));
    let (name, fields) = Event::RECORDS[0];
    assert_eq!((name, fields[..2].to_vec()), (Reading::NAME, vec![("id", "reading_id"), ("share", "share")]));
}

#[test]
fn an_event_without_a_type_keeps_its_text_and_its_pairs() {
    let text = "nr_succeeded=12 nr_failed=0  mode=MIGRATE_ASYNC reason=damon target_nid=0xff";
    let event = Event::scan("mm_migrate_pages", text).unwrap();
    assert_eq!(event.to_string(), format!("mm_migrate_pages: {text}"));
    assert_eq!(event.field("reason"), Some(Field::Text("damon")));
    assert_eq!(event.field("nr_succeeded").unwrap().number(), Some(12.0));
    assert_eq!(event.field("target_nid").unwrap().number(), Some(255.0));
    assert_eq!(event.field("reason").unwrap().number(), None);
}

#[test]
fn a_known_event_with_another_text_is_refused_and_not_guessed() {
    assert!(Event::scan(Reading::NAME, "id=0 share=1 at=7-0 more=1").is_err());
    assert!(Event::scan(Reading::NAME, "id=0 share=1").is_err());
    assert!(Event::scan(Reading::NAME, "id=4294967296 share=1 at=7-0").is_err());
}

#[test]
fn an_array_is_bytes_in_hexadecimal() {
    let event = Event::scan(Hits::NAME, "hits=00 ff 1a").unwrap();
    assert_eq!(Hits::of(&event).unwrap().hits.as_slice(), [0, 255, 26]);
    assert_eq!(event.field("hits").unwrap().to_string(), "00 ff 1a");
}

proptest! {
    #[test]
    fn every_line_prints_back_to_itself(
        comm in "[!-~]([ -~]{0,14})",
        pid in 0i32..,
        cpu in 0u16..8192,
        micros in 0..u64::MAX / 1000,
        flags in proptest::option::of("[dDb.][Nnp.][HhsZz.][0-9a-f.][0-9a-f.]"),
        tgid in prop_oneof![
            Just(Tgid::NotRecorded), Just(Tgid::Unknown), (1u32..).prop_map(Tgid::Known)
        ],
        event in events(),
    ) {
        let line = Line {
            number: 3,
            cpu,
            pid,
            time: Nanos(micros * 1000),
            comm: Comm::new(&comm).unwrap(),
            tgid,
            flags: flags.map(|flags| flags.as_bytes().try_into().unwrap()),
            event,
        };
        let text = line.to_string();
        let read = Line::parse(3, &text).unwrap();
        prop_assert_eq!(&read, &line);
        prop_assert_eq!(read.to_string(), text);
    }

    #[test]
    fn what_parses_prints_back_even_when_it_is_damaged(at in 0usize..90, byte in 0x20u8..0x7f) {
        let mut damaged = FIRST.as_bytes().to_vec();
        let at = at % damaged.len();
        damaged[at] = byte;
        let text = String::from_utf8(damaged).unwrap();
        if let Ok(line) = Line::parse(1, &text) {
            prop_assert_eq!(line.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        let trace = Trace::parse(&text);
        prop_assert!(trace.lines.len() <= 1);
    }
}
