//! The five characters before the time of a line, as the record has them (`trace_print_lat_fmt`).

const IRQS_OFF: u8 = 0x01;
const NEED_RESCHED_LAZY: u8 = 0x02;
const NEED_RESCHED: u8 = 0x04;
const HARDIRQ: u8 = 0x08;
const SOFTIRQ: u8 = 0x10;
const PREEMPT_RESCHED: u8 = 0x20;
const NMI: u8 = 0x40;
const BH_OFF: u8 = 0x80;

/// `common_flags` and `common_preempt_count`. A character that the kernel does not print counts as `.`.
pub(super) fn of(text: Option<[u8; 5]>) -> (u8, u8) {
    let Some([irqs, resched, context, preempt, migrate]) = text else { return (0, 0) };
    let irqs = match irqs {
        b'D' => IRQS_OFF | BH_OFF,
        b'd' => IRQS_OFF,
        b'b' => BH_OFF,
        _ => 0,
    };
    let resched = match resched {
        b'B' => NEED_RESCHED | NEED_RESCHED_LAZY | PREEMPT_RESCHED,
        b'N' => NEED_RESCHED | PREEMPT_RESCHED,
        b'L' => NEED_RESCHED_LAZY | PREEMPT_RESCHED,
        b'b' => NEED_RESCHED | NEED_RESCHED_LAZY,
        b'n' => NEED_RESCHED,
        b'l' => NEED_RESCHED_LAZY,
        b'p' => PREEMPT_RESCHED,
        _ => 0,
    };
    let context = match context {
        b'Z' => NMI | HARDIRQ,
        b'z' => NMI,
        b'H' => HARDIRQ | SOFTIRQ,
        b'h' => HARDIRQ,
        b's' => SOFTIRQ,
        _ => 0,
    };
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    (irqs | resched | context, digit(migrate) << 4 | digit(preempt))
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn each_character_has_its_bits() {
        assert_eq!(of(None), (0, 0));
        assert_eq!(of(Some(*b".....")), (0, 0));
        assert_eq!(of(Some(*b"dNh2.")), (0x01 | 0x24 | 0x08, 2));
        assert_eq!(of(Some(*b"D.H13")), (0x81 | 0x18, 0x31));
    }
}
