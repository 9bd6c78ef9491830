use super::*;
use damonlab_protocol::units::Nanos;
use proptest::prelude::*;

const HEADER: &str = "# tracer: nop
#
# entries-in-buffer/entries-written: 2/5   #P:1
#
#                                _-----=> irqs-off/BH-disabled
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
";
const FIRST: &str =
    "       kdamond.0-52      [000] .....    12.345678: damos_esz: ctx_idx=0 scheme_idx=1 esz=0";
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

#[test]
fn reading_and_parsing_give_the_same() {
    let text = format!("{HEADER}{FIRST}\n{SECOND}\n\n");
    assert_eq!(Trace::read(text.as_bytes()).unwrap(), Trace::parse(&text));
}

#[test]
fn bytes_that_are_no_text_spoil_their_line_only() {
    let text = [FIRST.as_bytes(), b"\n", &FIRST.as_bytes()[..80], b"\xff\n", SECOND.as_bytes()].concat();
    let trace = Trace::read(text.as_slice()).unwrap();
    assert_eq!((trace.lines.len(), trace.unreadable_count), (2, 1));
}

#[test]
fn of_endless_rubbish_only_the_beginning_is_kept() {
    let trace = Trace::parse(&"rubbish\n".repeat(1000));
    assert_eq!((trace.unreadable.len(), trace.unreadable_count), (UNREADABLE_KEPT, 1000));
}

fn events() -> impl Strategy<Value = Event> {
    let region = (any::<u64>(), any::<u32>(), any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>());
    prop_oneof![
        (any::<u32>(), any::<u32>(), any::<i32>(), any::<u64>(), any::<u64>()).prop_map(
            |(ctx_idx, scheme_idx, nid, target_value, current_value)| {
                Event::NodeEligible(NodeEligible { ctx_idx, scheme_idx, nid, target_value, current_value })
            }
        ),
        (any::<u32>(), any::<u32>(), any::<u64>()).prop_map(|(ctx_idx, scheme_idx, esz)| Event::Esz(Esz {
            ctx_idx,
            scheme_idx,
            esz
        })),
        (region, any::<[u32; 2]>()).prop_map(|(region, [ctx_idx, scheme_idx])| {
            let (target_idx, nr_regions, start, end, nr_accesses, age) = region;
            Event::BeforeApply(BeforeApply {
                ctx_idx,
                scheme_idx,
                target_idx,
                nr_regions,
                start,
                end,
                nr_accesses,
                age,
            })
        }),
        (any::<[u32; 2]>(), any::<[u64; 7]>()).prop_map(|([ctx_idx, scheme_idx], n)| Event::Stat(Stat {
            ctx_idx,
            scheme_idx,
            nr_tried: n[0],
            sz_tried: n[1],
            nr_applied: n[2],
            sz_applied: n[3],
            sz_ops_filter_passed: n[4],
            qt_exceeds: n[5],
            nr_snapshots: n[6],
        })),
        any::<u64>().prop_map(|sample_us| Event::IntervalsTune(IntervalsTune { sample_us })),
        region.prop_map(|(target_id, nr_regions, start, end, nr_accesses, age)| {
            Event::Aggregated(Aggregated { target_id, nr_regions, start, end, nr_accesses, age })
        }),
        ("[a-z_]{1,20}", "[ -~]{0,60}").prop_filter_map("a name without a type", |(name, text)| {
            let known = Event::KNOWN.contains(&name.as_str());
            (!known).then(|| Event::Other(Box::new(Other { name: name.into(), text: text.into() })))
        }),
    ]
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
