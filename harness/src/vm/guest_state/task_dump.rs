//! The tasks in what the kernel prints for sysrq `t`: name, state and stack. Pure.

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Task {
    /// Its name.
    pub name: String,
    /// Its number.
    pub pid: String,
    /// The letter of its state: `D` waits and cannot be interrupted.
    pub state: String,
    /// The functions of its stack as they are printed, from the innermost one. Uncertain ones begin with `?`.
    pub stack: Vec<String>,
}

impl Task {
    /// Whether it waits for something that no signal ends.
    pub fn is_blocked(&self) -> bool {
        self.state == "D"
    }
}

/// The segment of the kernel's code.
const KERNEL_CODE: &str = "0010";

/// The tasks in the text of a console.
pub(super) fn parse(text: &str) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut in_stack = false;
    for line in text.lines() {
        let line = without_time(line);
        if let Some(task) = head(line) {
            tasks.push(task);
            in_stack = false;
        } else if line.trim() == "Call Trace:" {
            in_stack = true;
        } else if let (true, Some(task)) = (in_stack, tasks.last_mut()) {
            match line.trim() {
                "</TASK>" => in_stack = false,
                // The task was interrupted by the question for its stack: what it did stands below.
                "</IRQ>" => task.stack.clear(),
                other => match other.strip_prefix("RIP: ").and_then(|place| place.split_once(':')) {
                    Some((KERNEL_CODE, function)) => task.stack = vec![function.to_owned()],
                    Some(_) => in_stack = false,
                    None if is_function(other) => task.stack.push(other.to_owned()),
                    None => {}
                },
            }
        }
    }
    tasks
}

/// `damon_call+0x97/0x110`, and not a line of registers.
fn is_function(line: &str) -> bool {
    let name = line.trim_start_matches("? ");
    name.contains("+0x") && !name.contains(": ")
}

/// `task:kdamond.0       state:R  running task     stack:12800 pid:51    tgid:51 ...`.
fn head(line: &str) -> Option<Task> {
    let (name, rest) = line.strip_prefix("task:")?.split_once(" state:")?;
    let state = rest.split_whitespace().next()?.to_owned();
    let pid = rest.split_once(" pid:")?.1.split_whitespace().next()?.to_owned();
    Some(Task { name: name.trim_end().to_owned(), pid, state, stack: Vec::new() })
}

/// A line of the console without `[   12.345678] ` and, with the caller's number, `[    T1] `.
fn without_time(line: &str) -> &str {
    let mut line = line.trim_end_matches('\r');
    while let Some((stamp, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        if !stamp
            .trim()
            .trim_start_matches(['T', 'C'])
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            break;
        }
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_has_its_state_and_its_stack() {
        let text = "[   17.300000] sysrq: Show State\r\n\
            [   17.3] task:init            state:D stack:12016 pid:1     tgid:1     ppid:0      flags:0x00004002\r\n\
            [   17.3] Call Trace:\r\n[   17.3]  <TASK>\r\n[   17.3]  __schedule+0x2a0/0x600\r\n\
            [   17.3]  ? damon_call+0x3f/0x90\r\n[   17.3] RIP: 0033:0x45b7ea\r\n[   17.3] RSP: 002b:0\r\n\
            [   17.3]  </TASK>\r\n\
            [   17.3] task:kdamond.0       state:R  running task     stack:12800 pid:51    tgid:51\r\n";
        let tasks = parse(text);
        assert_eq!(tasks.len(), 2);
        assert_eq!(tasks[0].stack, ["__schedule+0x2a0/0x600", "? damon_call+0x3f/0x90"]);
        assert!(tasks[0].is_blocked() && tasks[0].name == "init" && tasks[0].pid == "1");
        assert_eq!(
            (tasks[1].name.as_str(), tasks[1].state.as_str(), tasks[1].pid.as_str()),
            ("kdamond.0", "R", "51")
        );
    }

    #[test]
    fn the_stack_of_an_interrupted_task_begins_where_it_was_interrupted() {
        let text = "task:kdamond.0       state:R  running task     stack:0     pid:38    tgid:38\nCall Trace:\n <IRQ>\n \
            sched_show_task+0x12c/0x170\n serial8250_interrupt+0x46/0x90\n </IRQ>\n <TASK>\n \
            asm_common_interrupt+0x22/0x40\nRIP: 0010:damon_get_folio+0x59/0x70\nCode: 48 8b+0x\n\
            RSP: 0018:ffa00000002c7d58 EFLAGS: 00000a07\nRAX: 000000000000000c RBX: ff11000000e06600\n \
            damon_pa_apply_scheme+0x46a/0x6d0\n kthread+0xf5/0x140\n </TASK>\n";
        let tasks = parse(text);
        let wanted = ["damon_get_folio+0x59/0x70", "damon_pa_apply_scheme+0x46a/0x6d0", "kthread+0xf5/0x140"];
        assert_eq!(tasks[0].stack, wanted);
    }

    #[test]
    fn whatever_a_guest_prints_is_read() {
        for text in
            ["task:", "task: state:", "task:a state:D", "Call Trace:\n x", "[", "[]", "[ T1]", "[1] [2]"]
        {
            assert_eq!(parse(text), [], "{text}");
        }
    }
}
