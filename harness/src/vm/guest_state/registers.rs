//! The registers of all CPUs, as `info registers -a` of QEMU's monitor prints them. Pure.

/// What a backtrace needs of one CPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cpu {
    /// Its number.
    pub number: usize,
    /// The next instruction.
    pub rip: u64,
    /// The stack pointer.
    pub rsp: u64,
    /// The frame pointer.
    pub rbp: u64,
    /// The privilege level: 3 is a program's.
    pub level: u8,
    /// Whether it waits for an interrupt.
    pub halted: bool,
    /// How many levels its page tables have.
    pub levels: u32,
    /// Whether it takes interrupts.
    pub interrupts: bool,
    /// All lines, as they are.
    pub text: String,
}

impl Cpu {
    /// Whether it runs a program and not the kernel.
    pub fn is_in_user_mode(&self) -> bool {
        self.level == 3
    }
}

/// The flag of interrupts in RFL.
const INTERRUPTS: u64 = 1 << 9;

/// The flag of page tables with five levels in CR4.
const LA57: u64 = 1 << 12;

/// The CPUs of `text`. One without a readable RIP is left out.
pub(super) fn parse(text: &str) -> Vec<Cpu> {
    let mut cpus = Vec::new();
    for part in text.split("CPU#").skip(1) {
        let (number, lines) = part.split_once('\n').unwrap_or((part, ""));
        cpus.extend(number.trim().parse().ok().and_then(|number| cpu(number, lines)));
    }
    cpus
}

fn cpu(number: usize, lines: &str) -> Option<Cpu> {
    let hex = |name: &str| u64::from_str_radix(value(lines, name)?, 16).ok();
    Some(Cpu {
        number,
        rip: hex("RIP")?,
        rsp: hex("RSP")?,
        rbp: hex("RBP")?,
        levels: if hex("CR4").unwrap_or(0) & LA57 == 0 { 4 } else { 5 },
        level: value(lines, "CPL")?.parse().ok()?,
        halted: value(lines, "HLT") == Some("1"),
        interrupts: hex("RFL")? & INTERRUPTS != 0,
        text: lines.trim_end().to_owned(),
    })
}

/// What follows `name=`.
fn value<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let words = lines.split_whitespace();
    words.filter_map(|word| word.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Of QEMU 10.0.2.
    pub const TWO: &str = "\r
CPU#0\r
RAX=0000000000000001 RBX=ffff888003a41000 RCX=0000000000000000 RDX=0000000000000000\r
RSI=0000000000000000 RDI=0000000000000000 RBP=ffffc900001cbe00 RSP=ffffc900001cbdf0\r
R8 =0000000000000000 R9 =0000000000000000 R10=0000000000000000 R11=0000000000000000\r
R12=0000000000000000 R13=0000000000000000 R14=0000000000000000 R15=0000000000000000\r
RIP=ffffffff81001234 RFL=00000246 [---Z-P-] CPL=0 II=0 A20=1 SMM=0 HLT=0\r
ES =0000 0000000000000000 ffffffff 00c00100\r
CS =0010 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\r
FS =0000 0000000000000000 ffffffff 00c00100\r
GS =0000 ffff8880bd0e7000 ffffffff 00c00100\r
CR0=80050033 CR2=00007fff CR3=0000000003a2c000 CR4=000006f0\r
\r
CPU#1\r
RAX=0 RBX=0 RSP=00007ffd00000000 RBP=0000000000000000\r
RIP=0000000000401000 RFL=00000002 [-------] CPL=3 II=0 A20=1 SMM=0 HLT=1\r
GS =0000 0000000000000000 ffffffff 00c00100\r
";

    #[test]
    fn each_cpu_has_its_registers_and_its_mode() {
        let cpus = parse(TWO);
        assert_eq!(cpus.len(), 2);
        assert_eq!((cpus[0].rip, cpus[0].levels), (0xffff_ffff_8100_1234, 4));
        assert_eq!((cpus[0].is_in_user_mode(), cpus[0].halted, cpus[0].interrupts), (false, false, true));
        assert_eq!((cpus[1].is_in_user_mode(), cpus[1].halted, cpus[1].interrupts), (true, true, false));
    }

    #[test]
    fn another_machine_and_a_cut_answer_have_no_cpus() {
        for text in ["", "CPU#", "CPU#0", "CPU#x\nRIP=1", "CPU#0\nPC=00000000\n", &TWO[..60]] {
            assert_eq!(parse(text), [], "{text}");
        }
    }
}
