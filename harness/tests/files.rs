//! Recordings and caches that are damaged, hostile or hard to use: each is used or refused with plain words, and none is
//! judged as if it were whole. Nothing here boots anything.

use damonlab::host::command::{Limits, Output, capture, command_for};
use damonlab::recording::{DIGESTS, Meta, RecordingError, finish};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// No `check` may take more address space, in KiB. What it uses is measured below 500 MB.
const ADDRESS_SPACE: u64 = 700_000;

/// A short event that damonlab does not know by type.
const EVENT: &[u8] = b"       kdamond.0-42      [000] .....     4.000001: x: \n";

fn stored(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings").join(name)
}

/// A copy of a stored recording in a folder of `place`.
fn copy(place: &Path, name: &str) -> PathBuf {
    let folder = place.join(name);
    fs::create_dir(&folder).expect("a new folder");
    for entry in fs::read_dir(stored("pull-push-short")).expect("a recording") {
        let path = entry.expect("a file").path();
        fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("a copy");
    }
    folder
}

/// A copy as a run of today leaves it.
fn sealed(place: &Path, name: &str) -> PathBuf {
    let folder = copy(place, name);
    let meta = fs::read(folder.join("recording.json")).expect("a file");
    let meta: Meta = serde_json::from_slice(&meta).expect("JSON");
    finish(&folder, &Meta { sealed: true, ..meta }).expect("a seal");
    folder
}

fn damonlab(arguments: &[&str], folders: &[&Path]) -> Command {
    let mut damonlab = command_for("/bin/sh");
    damonlab.args([
        "-c",
        &format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" \"$@\""),
        env!("CARGO_BIN_EXE_damonlab"),
    ]);
    damonlab.args(arguments).args(folders).env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    damonlab
}

fn end_of(command: &mut Command) -> Output {
    capture(command, Limits::LOCAL).expect("damonlab starts")
}

fn check(folders: &[&Path]) -> Output {
    end_of(&mut damonlab(&["check"], folders))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), output.stderr)
}

fn fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
}

fn sparse(path: &Path, length: u64) {
    fs::File::create(path).and_then(|file| file.set_len(length)).expect("a sparse file");
}

/// A file of this length with these bytes again and again.
fn filled(path: &Path, unit: &[u8], length: usize) {
    fs::write(path, unit.repeat(length / unit.len())).expect("a file");
}

#[test]
fn check_goes_on_after_a_damaged_recording_and_reports_all() {
    let place = tempfile::tempdir().expect("a folder");
    let first = sealed(place.path(), "first");
    let short = sealed(place.path(), "short");
    let trace = fs::read(short.join("trace.txt")).expect("a trace");
    fs::write(short.join("trace.txt"), &trace[..100]).expect("a file");
    let none = place.path().join("none");
    let last = sealed(place.path(), "last");
    let output = check(&[&first, &short, &none, &last]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("PASS  ")).count(), 2, "{text}");
    for part in [
        "trace.txt has 100 B, and had 39419 B. Copy it again",
        "none is not a complete recording",
        "2 unreadable",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("unsealed"), "{text}");
}

#[test]
fn an_unsealed_recording_is_judged_and_noted_once() {
    let output = check(&[&stored("cxl"), &stored("truth")]);
    let text = text(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("unsealed").count(), 1, "{text}");
    assert!(
        text.contains("2 recordings are unsealed, made by an older damonlab without digests.json"),
        "{text}"
    );
}

#[test]
fn no_changed_byte_of_a_sealed_recording_passes() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = sealed(place.path(), "one");
    assert_eq!(check(&[&folder]).status.code(), Some(0));
    for entry in fs::read_dir(&folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let whole = fs::read(&path).expect("bytes");
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 1;
        for changed in [&whole[..whole.len() / 2], &flipped] {
            fs::write(&path, changed).expect("a file");
            let output = check(&[&folder]);
            let (text, name) = (text(&output), path.file_name().expect("a name").to_string_lossy());
            assert_eq!(output.status.code(), Some(2), "{name}: {text}");
            assert!(text.contains(&*name) && !text.contains("PASS"), "{name}: {text}");
        }
        fs::write(&path, whole).expect("a file");
    }
    fs::remove_file(folder.join(DIGESTS)).expect("the seal");
    assert!(text(&check(&[&folder])).contains("digests.json is missing, which was written last"));
}

#[test]
fn files_that_block_have_no_end_or_lead_elsewhere_are_refused_at_once() {
    let names = ["recording.json", "scenario.yaml", "plan.json", "guest.json", "trace.txt", "samples.jsonl"];
    let more = [
        "dmesg.txt",
        "formats.txt",
        "sysfs.txt",
        "trace.raw",
        "tests.txt",
        "machine.yaml",
        "console.txt",
        DIGESTS,
    ];
    type Act = fn(&Path);
    let acts: [(&str, Act); 4] = [
        ("a symbolic link", |path| symlink("/dev/zero", path).expect("a link")),
        ("a FIFO", fifo),
        ("a folder", |path| fs::create_dir(path).expect("a folder")),
        ("1024 GiB", |path| sparse(path, 1 << 40)),
    ];
    let begun = Instant::now();
    for (found, act) in acts {
        for name in names.iter().chain(&more) {
            let place = tempfile::tempdir().expect("a folder");
            let folder = copy(place.path(), "one");
            let path = folder.join(name);
            let _ = fs::remove_file(&path);
            act(&path);
            let output = check(&[&folder]);
            let text = text(&output);
            assert_eq!(output.status.code(), Some(2), "{name} {found}: {text}");
            assert!(text.contains(name) && text.contains(found), "{name} {found}: {text}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(300), "{:?}", begun.elapsed());
}

#[test]
fn whatever_a_recording_has_its_check_takes_bounded_memory() {
    const MIB: usize = 1 << 20;
    let sample = {
        let fields: Vec<String> = (0..20_000).map(|n| format!("\"{n}\":1")).collect();
        format!(
            "{{\"time\":1,\"nodes\":{{}},\"vmstat\":{{{}}},\"workloads\":{{}},\"schemes\":[]}}\n",
            fields.join(",")
        )
    };
    let empty_lists = format!(
        "{{\"time\":1,\"nodes\":{{}},\"vmstat\":{{}},\"workloads\":{{}},\"schemes\":[{}[]]}}\n",
        "[],".repeat(300_000)
    );
    let cases: [(&str, &[u8], usize); 9] = [
        ("trace.txt", b"\0", 256 * MIB),
        ("trace.txt", b"x", 256 * MIB),
        ("trace.txt", EVENT, 256 * MIB),
        ("trace.txt", b"CPU:0 [LOST EVENTS]\n", 256 * MIB),
        ("trace.txt", b"\n", 64 * MIB),
        ("samples.jsonl", sample.as_bytes(), 63 * MIB),
        ("samples.jsonl", empty_lists.as_bytes(), 63 * MIB),
        ("dmesg.txt", b"\xff", 16 * MIB),
        ("trace.raw", b"\0", 128 * MIB),
    ];
    for (name, unit, length) in cases {
        let place = tempfile::tempdir().expect("a folder");
        let folder = copy(place.path(), "one");
        filled(&folder.join(name), unit, length);
        let output = check(&[&folder]);
        let text = text(&output);
        // Neither a pass nor the end of the process.
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{name} {:?}: {} {text}",
            &unit[..1],
            output.status
        );
        assert!(text.len() < 20_000, "{name}: {} bytes", text.len());
    }
}

#[test]
fn names_in_a_recording_are_never_paths() {
    let place = tempfile::tempdir().expect("a folder");
    let outside = place.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    let cache = place.path().join("cache");
    fs::create_dir(&cache).expect("a folder");
    let outside_path = outside.display().to_string();
    let cases = [
        ("kernel_key", "unknown", outside_path.as_str()),
        ("kernel_key", "unknown", "../.."),
        ("kernel_key", "unknown", ""),
        ("scenario", "pull-push-short", "../../outside"),
        ("scenario", "pull-push-short", outside_path.as_str()),
    ];
    for (number, (field, old, new)) in cases.into_iter().enumerate() {
        let folder = copy(place.path(), &number.to_string());
        let path = folder.join("recording.json");
        let text = fs::read_to_string(&path).expect("JSON");
        let change = |name: &str| format!("\"{field}\": \"{name}\"");
        assert!(text.contains(&change(old)), "{text}");
        fs::write(&path, text.replace(&change(old), &change(new))).expect("a file");
        for verb in ["check", "replay"] {
            let mut damonlab = damonlab(&[verb], &[&folder]);
            let output = end_of(damonlab.env("XDG_CACHE_HOME", &cache).current_dir(place.path()));
            let said = String::from_utf8_lossy(&output.stdout).into_owned() + &output.stderr;
            assert_eq!(output.status.code(), Some(2), "{verb} {field} {new}: {said}");
            assert!(said.contains("wanted: 1 to "), "{verb} {field} {new}: {said}");
        }
    }
    for folder in [&outside, &cache] {
        assert_eq!(fs::read_dir(folder).expect("a folder").count(), 0, "{}", folder.display());
    }
}

#[test]
fn a_umask_that_takes_everything_leaves_folders_that_later_runs_can_use() {
    let place = tempfile::tempdir().expect("a folder");
    let cache = place.path().join("cache");
    fs::create_dir(&cache).expect("a folder");
    // There is no program that fetches, so it ends once it has made its folders.
    let mut shell = command_for("/bin/sh");
    shell.args(["-c", "umask 777; exec \"$0\" kernel build --kernel 7.3", env!("CARGO_BIN_EXE_damonlab")]);
    let output = end_of(shell.env("XDG_CACHE_HOME", &cache).env("PATH", "/nonexistent"));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let made = fs::read_dir(cache.join("damonlab")).expect("it was made");
    let modes: Vec<u32> =
        made.map(|entry| entry.expect("an entry").metadata().expect("data").permissions().mode()).collect();
    assert!(!modes.is_empty() && modes.iter().all(|mode| mode & 0o600 == 0o600), "{modes:?}");
}

/// Root may write everywhere, so this runs as nobody.
fn as_nobody(arguments: &[&str], cache: &Path) -> Option<Output> {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("skipped: another user needs root");
        return None;
    }
    let mut setpriv = command_for("setpriv");
    setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_damonlab")]);
    Some(end_of(setpriv.args(arguments).env("XDG_CACHE_HOME", cache)))
}

#[test]
fn a_cache_of_somebody_else_is_read_and_what_cannot_be_written_is_named() {
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let image = place.path().join("damonlab/image/abc");
    fs::create_dir_all(&image).expect("a folder");
    for name in ["bzImage", "config"] {
        fs::write(image.join(name), "").expect("a file");
    }
    let about = r#"{"describe": "linux 7.3", "source": "7", "patches": [], "compiler": "gcc", "release": null,
                    "build": "/nonexistent"}"#;
    fs::write(image.join("image.json"), about).expect("a file");
    let Some(list) = as_nobody(&["kernel", "list"], place.path()) else { return };
    assert!(list.status.success() && text(&list).contains("abc"), "{}", text(&list));
    let remove = as_nobody(&["kernel", "rm", "abc"], place.path()).expect("it is root");
    assert_eq!(remove.status.code(), Some(3), "{}", text(&remove));
    assert!(
        text(&remove).contains("cannot lock ") && text(&remove).contains("abc.lock"),
        "{}",
        text(&remove)
    );
    assert!(image.join("bzImage").exists());
}

#[test]
fn a_cache_with_a_path_of_any_kind_is_read() {
    let place = tempfile::tempdir().expect("a folder");
    for name in ["with a blank", "größe-漢字", "a:colon", "it's", &"long".repeat(50), "-dash", "$(touch x)"]
    {
        let cache = place.path().join(name);
        fs::create_dir_all(cache.join("damonlab")).expect("a folder");
        for verb in [&["kernel", "list"][..], &["list"], &["doctor"]] {
            let mut damonlab = command_for(env!("CARGO_BIN_EXE_damonlab"));
            let output = end_of(damonlab.args(verb).env("XDG_CACHE_HOME", &cache));
            let refused = verb == ["doctor"] && output.status.code() != Some(101);
            assert!(output.status.success() || refused, "{name}: {}", text(&output));
        }
    }
    assert!(!Path::new("x").exists());
}

/// What a recording is too large for is said, and not found by running out of memory.
#[test]
fn a_recording_that_takes_too_much_says_what_to_do() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = copy(place.path(), "one");
    filled(&folder.join("trace.txt"), EVENT, 256 << 20);
    let said = text(&check(&[&folder]));
    let wanted =
        "trace.txt is too much to be judged: it would take more than 352 MiB of memory. Record fewer events";
    assert!(said.contains(wanted), "{said}");
    let error = damonlab::recording::Recording::load(&folder).expect_err("it is too much");
    assert!(matches!(error, RecordingError::TooMuch { .. }), "{error}");
}
