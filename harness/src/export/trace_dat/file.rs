//! The layout of the file: `trace-cmd.dat.v6(5)`.

use damonlab_protocol::record::SUB_BUFFER;
use std::collections::BTreeMap;
use std::io::{self, Write};

const MAGIC: &[u8] = b"\x17\x08\x44tracing";
const VERSION: &[u8] = b"6\0";
const LITTLE_ENDIAN: u8 = 0;
const LONG_BYTES: u8 = 8;
const OPTION_TRACE_CLOCK: u16 = 4;
const OPTION_UNAME: u16 = 5;
const OPTION_END: u16 = 0;

/// `events/header_page` of a 64-bit kernel with pages of 4 KiB.
const HEADER_PAGE: &str = "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n\
    \tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n\
    \tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n\
    \tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

/// `events/header_event` (`ring_buffer_print_entry_header`).
const HEADER_EVENT: &str = "# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n\
    \tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\
    \tdata max type_len  == 28\n";

/// What the file has.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    /// `events/header_page`, where the recording has it.
    pub(super) header_page: Option<&'a [u8]>,
    /// The `format` files by system, in order.
    pub(super) systems: BTreeMap<String, Vec<Vec<u8>>>,
    /// The names of tasks, by pid.
    pub(super) tasks: BTreeMap<i32, &'a str>,
    /// The sub-buffers of each CPU.
    pub(super) cpus: BTreeMap<u16, Pages<'a>>,
    /// `uname -r` and `uname -v` of the guest.
    pub(super) uname: &'a str,
}

/// Sub-buffers, of the recording or made for the export.
#[derive(Debug)]
pub(super) enum Pages<'a> {
    Recorded(&'a [u8]),
    Encoded(Vec<u8>),
}

impl Pages<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Pages::Recorded(bytes) => bytes,
            Pages::Encoded(bytes) => bytes,
        }
    }
}

impl File<'_> {
    /// Writes all of it.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let head = self.head();
        let count = self.cpus.keys().last().map_or(0, |last| usize::from(*last) + 1);
        let table = 16 * count;
        let mut offset = (head.len() + table).next_multiple_of(SUB_BUFFER) as u64;
        let mut places = Vec::new();
        for cpu in 0..count {
            let pages = u16::try_from(cpu).ok().and_then(|cpu| self.cpus.get(&cpu));
            let length = pages.map_or(0, |pages| pages.bytes().len()).next_multiple_of(SUB_BUFFER) as u64;
            places.extend(offset.to_le_bytes());
            places.extend(length.to_le_bytes());
            offset += length;
        }
        out.write_all(&head)?;
        out.write_all(&places)?;
        pad(out, head.len() + table)?;
        for pages in self.cpus.values() {
            out.write_all(pages.bytes())?;
            pad(out, pages.bytes().len())?;
        }
        Ok(())
    }

    /// Everything before the table of CPUs.
    fn head(&self) -> Vec<u8> {
        let mut head = [MAGIC, VERSION, &[LITTLE_ENDIAN, LONG_BYTES]].concat();
        head.extend((SUB_BUFFER as u32).to_le_bytes());
        let page = self.header_page.unwrap_or(HEADER_PAGE.as_bytes());
        for (name, text) in [(&b"header_page\0"[..], page), (b"header_event\0", HEADER_EVENT.as_bytes())] {
            head.extend(name);
            long(&mut head, text);
        }
        // No events of the system `ftrace`.
        head.extend(0u32.to_le_bytes());
        head.extend((self.systems.len() as u32).to_le_bytes());
        for (system, formats) in &self.systems {
            head.extend(system.as_bytes());
            head.push(0);
            head.extend((formats.len() as u32).to_le_bytes());
            formats.iter().for_each(|format| long(&mut head, format));
        }
        // Neither kallsyms nor formats of trace_printk.
        head.extend([0; 8]);
        let tasks: String = self.tasks.iter().map(|(pid, comm)| format!("{pid} {comm}\n")).collect();
        long(&mut head, tasks.as_bytes());
        let cpus = self.cpus.keys().last().map_or(0, |last| u32::from(*last) + 1);
        head.extend(cpus.to_le_bytes());
        head.extend(b"options  \0");
        option(&mut head, OPTION_TRACE_CLOCK, b"local global [mono]\0");
        option(&mut head, OPTION_UNAME, &[self.uname.as_bytes(), b"\0"].concat());
        head.extend(OPTION_END.to_le_bytes());
        head.extend(b"flyrecord\0");
        head
    }
}

/// A length of 64 bits, and what has it.
fn long(head: &mut Vec<u8>, bytes: &[u8]) {
    head.extend((bytes.len() as u64).to_le_bytes());
    head.extend(bytes);
}

fn option(head: &mut Vec<u8>, id: u16, bytes: &[u8]) {
    head.extend(id.to_le_bytes());
    head.extend((bytes.len() as u32).to_le_bytes());
    head.extend(bytes);
}

/// Fills up to the next page.
fn pad(out: &mut dyn Write, written: usize) -> io::Result<()> {
    out.write_all(&vec![0; written.next_multiple_of(SUB_BUFFER) - written])
}
