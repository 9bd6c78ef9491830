use super::evict::evict;
use super::files::{ABOUT, STATE};
use super::*;
use crate::host::names::Key;
use crate::machine::NodeMemory;
use damonlab_protocol::units::{Bytes, NodeId};
use fs_err as fs;
use std::sync::atomic::{AtomicBool, Ordering};

struct Place {
    _folder: tempfile::TempDir,
    store: Store,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::of(folder.path());
    Place { _folder: folder, store }
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

fn make(store: &Store, name: &str, state: &[u8]) {
    let making = Making::begin(store, &key(name)).unwrap().unwrap();
    fs::write(making.state(), state).unwrap();
    let argv = ["qemu".to_owned(), "-qmp".to_owned(), "unix:/tmp/run-1/qmp.sock".to_owned()];
    let memory = NodeMemory { node: NodeId(0), size: Bytes(1 << 20) };
    fs::write(making.ram(&memory).unwrap(), state).unwrap();
    making.publish(&argv, "/tmp/run-1", &[memory], b"boot text", "idle on linux 7.3").unwrap();
}

fn damage_of(store: &Store, name: &str) -> String {
    match store.find(&key(name)).unwrap() {
        Lookup::Damaged(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_published_checkpoint_is_found_and_moves_to_another_folder() {
    let Place { store, _folder } = place();
    assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Missing));
    make(&store, "k", b"state");
    let Lookup::Intact(found) = store.find(&key("k")).unwrap() else { panic!("it is there") };
    assert_eq!(found.argv("/tmp/run-2")[2], "unix:/tmp/run-2/qmp.sock");
    assert_eq!(found.console, b"boot text");
    assert_eq!(fs::read(&found.state).unwrap(), b"state");
    assert_eq!(fs::read(&found.ram[0]).unwrap(), b"state");
}

#[test]
fn a_checkpoint_with_a_cut_or_changed_file_is_damaged_and_made_anew() {
    let damages = [b"stat".as_slice(), b"stAte"];
    for (name, damage) in [STATE, "ram0"].into_iter().flat_map(|name| damages.map(|damage| (name, damage))) {
        let Place { store, _folder } = place();
        make(&store, "k", b"state");
        fs::write(store.place(&key("k")).join(name), damage).unwrap();
        assert_eq!(damage_of(&store, "k"), format!("{name} has changed since it was saved"));
        make(&store, "k", b"state");
        assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Intact(_)));
    }
}

#[test]
fn a_checkpoint_under_the_name_of_another_is_not_used() {
    let Place { store, _folder } = place();
    make(&store, "one", b"state");
    fs::rename(store.place(&key("one")), store.place(&key("two"))).unwrap();
    assert_eq!(damage_of(&store, "two"), "it is the checkpoint one under another name");
}

#[test]
fn a_checkpoint_with_a_cut_description_is_damaged() {
    let Place { store, _folder } = place();
    make(&store, "k", b"state");
    fs::write(store.place(&key("k")).join(ABOUT), "{\"key\": \"k\"").unwrap();
    assert!(damage_of(&store, "k").starts_with("about.json: "));
}

#[test]
fn what_a_killed_process_left_is_not_found_and_is_removed() {
    let Place { store, _folder } = place();
    let making = Making::begin(&store, &key("k")).unwrap().unwrap();
    fs::write(making.state(), b"half").unwrap();
    // As after SIGKILL: the lock is released, the folder stays.
    let scratch = making.scratch.clone();
    let left = tempfile::tempdir().unwrap();
    fs::rename(&scratch, left.path().join("moved")).unwrap();
    drop(making);
    fs::rename(left.path().join("moved"), &scratch).unwrap();
    assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Missing));
    let making = Making::begin(&store, &key("k")).unwrap().unwrap();
    assert!(!making.state().exists());
}

#[test]
fn an_unpublished_checkpoint_leaves_nothing_behind() {
    let Place { store, _folder } = place();
    drop(Making::begin(&store, &key("k")).unwrap().unwrap());
    assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Missing));
    let left: Vec<_> = fs::read_dir(&store.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["k.lock"]);
}

#[test]
fn a_second_process_waits_and_finds_it_made() {
    let Place { store, _folder } = place();
    let making = Making::begin(&store, &key("k")).unwrap().unwrap();
    let second = std::thread::spawn({
        let store = store.clone();
        move || Making::begin(&store, &key("k")).unwrap().is_none()
    });
    fs::write(making.state(), b"state").unwrap();
    making.publish(&[], "/tmp/run-1", &[], b"", "idle").unwrap();
    assert!(second.join().unwrap(), "it was made twice");
}

#[test]
fn the_longest_unused_are_removed_first_and_never_one_in_use() {
    let Place { store, _folder } = place();
    for name in ["a", "b", "c"] {
        make(&store, name, &[1; 100_000]);
    }
    let all = list(&store);
    let one = all[0].size;
    assert_eq!(all.iter().map(|each| each.key.as_str()).collect::<Vec<_>>(), ["c", "b", "a"]);
    let Lookup::Intact(in_use) = store.find(&key("b")).unwrap() else { panic!("it is there") };
    evict(&store, Bytes(one.0), &key("c")).unwrap();
    let left: Vec<Key> = list(&store).into_iter().map(|each| each.key).collect();
    assert_eq!(left, ["b", "c"], "a is removed, b is in use, c is the newest");
    drop(in_use);
    evict(&store, Bytes(one.0), &key("c")).unwrap();
    assert_eq!(list(&store).len(), 1);
}

/// What can stand in the place of a file of a cache: a half-copied one, another kind of thing, nothing.
fn put(what: &str, path: &std::path::Path) {
    let content = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    match what {
        "nothing" => {}
        "half" => fs::write(path, &content[..content.len() / 2]).unwrap(),
        "fifo" => nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
        "link" => fs::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        "folder" => fs::create_dir(path).unwrap(),
        other => panic!("{other}"),
    }
}

#[test]
fn whatever_stands_in_the_place_of_a_file_the_checkpoint_is_made_anew() {
    for what in ["nothing", "half", "fifo", "link", "folder"] {
        for file in [ABOUT, STATE, "argv.json", "console.txt", "ram0"] {
            let Place { store, _folder } = place();
            make(&store, "k", b"state");
            put(what, &store.place(&key("k")).join(file));
            let why = damage_of(&store, "k");
            assert!(why.contains(file), "{what} {file}: {why}");
            assert!(list(&store).len() <= 1);
            make(&store, "k", b"state");
            assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Intact(_)), "{what} {file}");
        }
    }
}

#[test]
fn a_file_or_a_fifo_in_the_place_of_a_checkpoint_is_replaced() {
    for what in ["half", "fifo", "link"] {
        let Place { store, _folder } = place();
        fs::create_dir_all(&store.folder).unwrap();
        fs::write(store.place(&key("k")), "text").unwrap();
        put(what, &store.place(&key("k")));
        assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Damaged(_)), "{what}");
        make(&store, "k", b"state");
        assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Intact(_)), "{what}");
    }
}

#[test]
fn names_in_a_checkpoint_are_no_paths() {
    let Place { store, _folder } = place();
    make(&store, "k", b"state");
    let about = store.place(&key("k")).join(ABOUT);
    let text = fs::read_to_string(&about).unwrap();
    let outside = store.folder.with_file_name("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(&about, text.replace("\"ram0\"", "\"../../outside/x\"")).unwrap();
    assert!(damage_of(&store, "k").contains("which is no memory of a node"), "{}", damage_of(&store, "k"));
    for other in ["../outside", "other"] {
        fs::write(&about, text.replace("\"k\"", &format!("{other:?}"))).unwrap();
        assert_eq!(list(&store), []);
        evict(&store, Bytes(0), &key("c")).unwrap();
    }
    assert!(outside.exists());
}

#[test]
fn a_checkpoint_whose_last_use_cannot_be_stored_is_used() {
    let Place { store, _folder } = place();
    make(&store, "k", b"state");
    put("fifo", &store.place(&key("k")).join("used"));
    assert!(matches!(store.find(&key("k")).unwrap(), Lookup::Intact(_)));
}

#[test]
fn no_checkpoint_is_removed_while_it_is_used_however_often_both_happen_at_once() {
    let Place { store, _folder } = place();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let evicting = scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                evict(&store, Bytes(0), &key("other")).unwrap();
            }
        });
        let (mut found, mut tries) = (0, 0);
        while found < 50 && tries < 5000 {
            tries += 1;
            if let Some(making) = Making::begin(&store, &key("k")).unwrap() {
                fs::write(making.state(), b"state").unwrap();
                making.publish(&[], "/tmp/run-1", &[], b"", "idle").unwrap();
            }
            if let Lookup::Intact(used) = store.find(&key("k")).unwrap() {
                found += 1;
                assert_eq!(fs::read(&used.state).unwrap(), b"state");
            }
        }
        ended.store(true, Ordering::Relaxed);
        evicting.join().unwrap();
        assert_eq!(found, 50, "in {tries} tries");
    });
}
