//! DAMON's tracepoints: their fields and their text, from one table.
//!
//! Each entry of [`events`] is a tracepoint's `TP_printk` (Linux 7.3, `include/trace/events/damon.h`;
//! `damos_node_eligible_mem_bp` from the patch under `patches/`): literals and fields in turn. The
//! structure, the parser, the printer and the access by name all come from that one line.

use super::cursor::Cursor;
use std::fmt;

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// `%u`, `%lu`.
    Unsigned(u64),
    /// `%d`.
    Signed(i64),
    /// `__print_hex`.
    Bytes(ProbeHits),
    /// A field of an event without a type of its own, as its text stands.
    Text(&'a str),
}

impl Field<'_> {
    /// The value as a number; text that reads as a number is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Field::Unsigned(value) => Some(*value as f64),
            Field::Signed(value) => Some(*value as f64),
            Field::Bytes(_) => None,
            Field::Text(text) => match text.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16).ok().map(|value| value as f64),
                None => text.parse().ok().filter(|value: &f64| value.is_finite()),
            },
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Unsigned(value) => value.fmt(f),
            Field::Signed(value) => value.fmt(f),
            Field::Bytes(hits) => hits.fmt(f),
            Field::Text(text) => f.write_str(text),
        }
    }
}

/// What can stand between two literals of a print format.
trait Part: Sized + Copy {
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self>;
    fn field(self) -> Field<'static>;
}

impl Part for u64 {
    #[inline]
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.unsigned()
    }
    fn field(self) -> Field<'static> {
        Field::Unsigned(self)
    }
}

impl Part for u32 {
    #[inline]
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.unsigned()?.try_into().ok()
    }
    fn field(self) -> Field<'static> {
        Field::Unsigned(self.into())
    }
}

impl Part for i32 {
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.signed()?.try_into().ok()
    }
    fn field(self) -> Field<'static> {
        Field::Signed(self.into())
    }
}

/// One counter a probe, at most [`ProbeHits::MAX`]; the kernel has four (`DAMON_MAX_PROBES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProbeHits {
    count: u8,
    hits: [u8; Self::MAX],
}

impl ProbeHits {
    /// How many counters fit.
    pub const MAX: usize = 7;

    /// The counters, in the order of the probes.
    pub fn as_slice(&self) -> &[u8] {
        &self.hits[..usize::from(self.count)]
    }
}

impl Part for ProbeHits {
    fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
        let mut found = ProbeHits::default();
        while !cursor.is_empty() {
            if found.count > 0 {
                cursor.literal(" ")?;
            }
            *found.hits.get_mut(usize::from(found.count))? = cursor.hex_byte()?;
            found.count += 1;
        }
        Some(found)
    }
    fn field(self) -> Field<'static> {
        Field::Bytes(self)
    }
}

impl fmt::Display for ProbeHits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, hit) in self.as_slice().iter().enumerate() {
            write!(f, "{}{hit:02x}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// An event that damonlab has no type for: its text, and the `key=value` words in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The event's name.
    pub name: Box<str>,
    /// What follows `name: `.
    pub text: Box<str>,
}

impl Other {
    /// The `key=value` words, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.text.split_ascii_whitespace().filter_map(|word| word.split_once('='))
    }
}

/// The text of an event that has a type is not what its print format gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FormatMismatch;

/// An event that has a type.
pub trait TypedEvent: Sized + 'static {
    /// The tracepoint's name.
    const NAME: &'static str;

    /// The fields, in the order of the text.
    const FIELDS: &'static [&'static str];

    /// The event, where it is of this type.
    fn of(event: &Event) -> Option<&Self>;
}

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident $name:literal {
        $($literal:literal $(#[$field_doc:meta])* $field:ident: $type:ty,)+
    })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $variant {
                $($(#[$field_doc])* pub $field: $type,)+
            }

            impl $variant {
                /// The tracepoint's name.
                pub const NAME: &'static str = $name;

                /// The fields, in the order of the text.
                pub const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

                fn scan(cursor: &mut Cursor<'_>) -> Option<Self> {
                    $(cursor.literal($literal)?; let $field = <$type as Part>::scan(cursor)?;)+
                    cursor.is_empty().then_some($variant { $($field),+ })
                }

                fn field(&self, name: &str) -> Option<Field<'static>> {
                    match name {
                        $(stringify!($field) => Some(self.$field.field()),)+
                        _ => None,
                    }
                }
            }

            impl TypedEvent for $variant {
                const NAME: &'static str = $variant::NAME;
                const FIELDS: &'static [&'static str] = $variant::FIELDS;

                fn of(event: &Event) -> Option<&Self> {
                    match event {
                        Event::$variant(event) => Some(event),
                        _ => None,
                    }
                }
            }

            impl fmt::Display for $variant {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    $(f.write_str($literal)?; self.$field.fmt(f)?;)+
                    Ok(())
                }
            }
        )+

        /// One event.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $variant($variant),)+
            /// Any other event.
            Other(Box<Other>),
        }

        impl Event {
            /// The names of the events that have a type, in the order of the table.
            pub const KNOWN: &'static [&'static str] = &[$($name),+];
            /// Each of them with its fields.
            pub const FIELDS: &'static [(&'static str, &'static [&'static str])] = &[$(($name, $variant::FIELDS)),+];

            /// The event's name.
            pub fn name(&self) -> &str {
                match self {
                    $(Event::$variant(_) => $name,)+
                    Event::Other(other) => &other.name,
                }
            }

            /// A field by its name; where the text has none (`age` of a region), the tracepoint's.
            pub fn field(&self, name: &str) -> Option<Field<'_>> {
                match self {
                    $(Event::$variant(event) => event.field(name),)+
                    Event::Other(other) => {
                        other.fields().find(|(key, _)| *key == name).map(|(_, value)| Field::Text(value))
                    }
                }
            }

            /// The names of the fields, for messages.
            pub fn field_names(&self) -> Vec<&str> {
                match self {
                    $(Event::$variant(_) => $variant::FIELDS.to_vec(),)+
                    Event::Other(other) => other.fields().map(|(key, _)| key).collect(),
                }
            }

            /// Reads what follows `name: `.
            pub(super) fn scan(name: &str, text: &str) -> Result<Event, FormatMismatch> {
                let mut cursor = Cursor::new(text);
                match name {
                    $($name => $variant::scan(&mut cursor).map(Event::$variant).ok_or(FormatMismatch),)+
                    _ => Ok(Event::Other(Box::new(Other { name: name.into(), text: text.into() }))),
                }
            }
        }

        /// `name: text`, as in a trace.
        impl fmt::Display for Event {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}: ", self.name())?;
                match self {
                    $(Event::$variant(event) => event.fmt(f),)+
                    Event::Other(other) => f.write_str(&other.text),
                }
            }
        }
    };
}

events! {
    /// A `node_eligible_mem_bp` goal was measured: once a goal and charge window
    /// (`damos_quota_score`).
    NodeEligible "damos_node_eligible_mem_bp" {
        "ctx_idx=" /// Always 0: a kdamond has one context.
        ctx_idx: u32,
        " scheme_idx=" /// The scheme whose goal it is.
        scheme_idx: u32,
        " nid=" /// The goal's node.
        nid: i32,
        " target_value=" /// The goal, in parts of 10000.
        target_value: u64,
        " current_value=" /// The share of eligible memory that is on the node, in parts of 10000.
        current_value: u64,
    }
    /// The effective quota was set: in the first charge window always, later when it changed
    /// (`damos_adjust_quota`).
    Esz "damos_esz" {
        "ctx_idx=" /// Always 0.
        ctx_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " esz=" /// The effective quota, in bytes (core addresses).
        esz: u64,
    }
    /// A region is about to be given to the action (`damos_apply_scheme`).
    BeforeApply "damos_before_apply" {
        "ctx_idx=" /// Always 0.
        ctx_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " target_idx=" /// The monitoring target.
        target_idx: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// The moving sum of accesses (`damon_nr_accesses_mvsum`).
        nr_accesses: u32,
        " " /// The age before the action sets it back, in aggregations.
        age: u32,
    }
    /// A scheme's statistics after one pass over the regions (`kdamond_apply_schemes`). All count from
    /// the kdamond's start.
    Stat "damos_stat_after_apply_interval" {
        "ctx_idx=" /// Always 0.
        ctx_idx: u32,
        " scheme_idx=" /// The scheme.
        scheme_idx: u32,
        " nr_tried=" /// Regions given to the action.
        nr_tried: u64,
        " sz_tried=" /// Their bytes.
        sz_tried: u64,
        " nr_applied=" /// Regions of which the action took something.
        nr_applied: u64,
        " sz_applied=" /// Bytes that the action took.
        sz_applied: u64,
        " sz_ops_filter_passed=" /// Bytes that the operations' filters let through.
        sz_ops_filter_passed: u64,
        " qt_exceeds=" /// Windows whose quota was used up.
        qt_exceeds: u64,
        " nr_snapshots=" /// Complete passes.
        nr_snapshots: u64,
    }
    /// The sampling interval was tuned (`kdamond_tune_intervals`).
    IntervalsTune "damon_monitor_intervals_tune" {
        "sample_us=" /// The new interval, in microseconds.
        sample_us: u64,
    }
    /// A region at the end of an aggregation, with probes (`kdamond_reset_aggregated`).
    RegionAggregated "damon_region_aggregated" {
        "target_id=" /// The target's index.
        target_id: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// Accesses seen in this aggregation.
        nr_accesses: u32,
        " " /// Aggregations without a change.
        age: u32,
        " probe_hits=" /// What each probe counted.
        probe_hits: ProbeHits,
    }
    /// A region at the end of an aggregation (`kdamond_reset_aggregated`).
    Aggregated "damon_aggregated" {
        "target_id=" /// The target's index.
        target_id: u64,
        " nr_regions=" /// How many regions the target has.
        nr_regions: u32,
        " " /// The first address.
        start: u64,
        "-" /// One past the last address.
        end: u64,
        ": " /// Accesses seen in this aggregation.
        nr_accesses: u32,
        " " /// Aggregations without a change.
        age: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_the_name_of_the_tracepoint() {
        let text = "ctx_idx=0 scheme_idx=1 target_idx=0 nr_regions=12 4096-8192: 3 7";
        let event = Event::scan("damos_before_apply", text).unwrap();
        assert_eq!(event.field("start"), Some(Field::Unsigned(4096)));
        assert_eq!(event.field("age").unwrap().number(), Some(7.0));
        assert_eq!(event.field("size"), None);
        assert_eq!(event.field_names().len(), 8);
    }

    #[test]
    fn an_event_without_a_type_keeps_its_text_and_its_words() {
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
        assert!(Event::scan("damos_esz", "ctx_idx=0 scheme_idx=1 esz=7 more=1").is_err());
        assert!(Event::scan("damos_esz", "ctx_idx=0 scheme_idx=1").is_err());
        assert!(Event::scan("damos_esz", "ctx_idx=0 scheme_idx=4294967296 esz=7").is_err());
    }

    #[test]
    fn probe_hits_are_bytes_in_hexadecimal() {
        let text = "target_id=0 nr_regions=1 0-4096: 0 0 probe_hits=00 ff 1a";
        let event = Event::scan("damon_region_aggregated", text).unwrap();
        let Event::RegionAggregated(region) = &event else { panic!("{event:?}") };
        assert_eq!(region.probe_hits.as_slice(), [0, 255, 26]);
        assert_eq!(event.field("probe_hits").unwrap().to_string(), "00 ff 1a");
    }

    #[test]
    fn an_event_is_small() {
        assert!(size_of::<Event>() <= 72, "{}", size_of::<Event>());
    }
}
