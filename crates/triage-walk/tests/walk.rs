//! Walks of real trees: order, completeness, hostile names and depths, resume, scope.
#![expect(clippy::disallowed_methods, reason = "tests build the trees that they walk")]
#![expect(clippy::unwrap_used, reason = "a tree that cannot be built fails its test")]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use triage_evidence::{Kind, Location};
use triage_walk::{
    Batch, Evidence, Flow, LocationRange, Met, OpenAs, Scope, Tally, Verdict, WalkPlan,
};

fn walk_with(
    path: &Path,
    plan: &WalkPlan,
    mut flow: impl FnMut(&Batch) -> Flow,
) -> (Vec<Met>, Tally) {
    let mut all = Vec::new();
    let tally = Evidence::open(path, OpenAs::Files).unwrap().walk(plan, &mut |batch| {
        let next = flow(&batch);
        all.extend(batch.met);
        next
    });
    (all, tally)
}

fn walk(path: &Path) -> Vec<Met> {
    walk_with(path, &WalkPlan::default(), |_| Flow::Continue).0
}

fn paths(met: &[Met]) -> Vec<Vec<u8>> {
    met.iter().map(|met| met.entry.location.path().to_vec()).collect()
}

/// A small generator, so that a failing tree can be built again from its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Builds a tree whose names differ around the byte of the slash.
fn random_tree(path: &Path, random: &mut Random, depth: u32) {
    for _ in 0..random.below(7) {
        let name: Vec<u8> =
            (0..=random.below(3)).map(|_| b"a-./0\xff b"[random.below(8) as usize]).collect();
        let name: Vec<u8> = name.into_iter().filter(|&byte| byte != b'/').collect();
        if name.is_empty() || name == b"." || name == b".." {
            continue;
        }
        let child = path.join(OsStr::from_bytes(&name));
        if depth > 0 && random.below(2) == 0 {
            if fs::create_dir(&child).is_ok() {
                random_tree(&child, random, depth - 1);
            }
        } else if !child.exists() {
            fs::write(child, b"x").unwrap();
        }
    }
}

#[test]
fn the_order_is_that_of_the_bytes_and_a_walk_can_be_taken_up_behind_any_entry() {
    for seed in 1..40 {
        let dir = tempfile::tempdir().unwrap();
        random_tree(dir.path(), &mut Random(seed * 7919), 4);
        let all = walk(dir.path());
        let found = paths(&all);
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(found, sorted, "seed {seed}");
        assert!(found.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}");
        for (place, met) in all.iter().enumerate() {
            assert_eq!(met.seq, place as u64);
            let resume = Some((met.entry.location.clone(), met.seq + 1));
            let plan = WalkPlan { resume, ..WalkPlan::default() };
            let (tail, _) = walk_with(dir.path(), &plan, |_| Flow::Continue);
            assert_eq!(paths(&tail), found[place + 1..], "seed {seed} behind {place}");
            assert!(tail.first().is_none_or(|first| first.seq == met.seq + 1));
        }
    }
}

#[test]
fn ranges_one_after_the_other_are_the_whole_walk() {
    for seed in 1..=20 {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random(seed * 31);
        random_tree(folder.path(), &mut random, 3);
        let whole = paths(&walk(folder.path()));
        let mut cuts: Vec<usize> =
            (0..3).map(|_| random.below(whole.len() as u64) as usize).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let at = |cut: &usize| Some(Location::from_path(whole[*cut].clone()));
        let mut after = None;
        let mut joined = Vec::new();
        for until in cuts.iter().map(at).chain([None]) {
            let range = LocationRange { after, until: until.clone() };
            let plan = WalkPlan { range, ..WalkPlan::default() };
            let (part, tally) = walk_with(folder.path(), &plan, |_| Flow::Continue);
            assert_eq!(tally.entries, part.len() as u64, "seed {seed}");
            joined.extend(paths(&part));
            after = until;
        }
        assert_eq!(joined, whole, "seed {seed}");
    }
}

#[test]
fn every_kind_of_name_is_met_once_and_nothing_is_followed() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &[u8]| dir.path().join(OsStr::from_bytes(name));
    fs::write(at(b"bad-\xff\n name "), b"12345").unwrap();
    fs::write(at(&[b'n'; 255]), b"").unwrap();
    symlink("..", at(b"loop")).unwrap();
    symlink("nowhere", at(b"dangling")).unwrap();
    let _socket = UnixListener::bind(at(b"socket")).unwrap();
    rustix::fs::mknodat(CWD, at(b"fifo"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).unwrap();
    let all = walk(dir.path());
    assert_eq!(all.len(), 7);
    let find = |name: &[u8]| all.iter().find(|met| met.entry.location.path() == name).unwrap();
    assert_eq!(find(b"bad-\xff\n name ").verdict, Verdict::Content);
    assert_eq!(find(b"bad-\xff\n name ").entry.size_bytes, Some(5));
    assert_eq!(find(b"loop").entry.target.as_deref(), Some(&b".."[..]));
    for (name, kind) in [
        ("loop", Kind::Symlink),
        ("fifo", Kind::Fifo),
        ("socket", Kind::Socket),
        ("", Kind::Directory),
    ] {
        let met = find(name.as_bytes());
        assert_eq!((met.entry.kind, &met.verdict), (kind, &Verdict::NotRegular));
    }
}

#[test]
fn five_thousand_levels_are_walked_with_few_descriptors() {
    let dir = tempfile::tempdir().unwrap();
    let mut fd = openat(CWD, dir.path(), OFlags::DIRECTORY | OFlags::PATH, Mode::empty()).unwrap();
    for level in 0..5000 {
        // A sibling behind the deep one makes the walk come back to every level.
        if level % 500 == 0 {
            mkdirat(&fd, "z", Mode::RWXU).unwrap();
        }
        mkdirat(&fd, "d", Mode::RWXU).unwrap();
        fd = openat(&fd, "d", OFlags::DIRECTORY | OFlags::PATH, Mode::empty()).unwrap();
    }
    let all = walk(dir.path());
    assert_eq!(all.len(), 1 + 5000 + 10);
    assert!(all.iter().all(|met| met.verdict == Verdict::NotRegular));
    // The standard library cannot remove a path longer than PATH_MAX in one go.
    let kept = dir.keep();
    std::process::Command::new("rm").arg("-rf").arg(kept).status().unwrap();
}

#[test]
fn a_stopped_walk_names_what_it_knew_and_lists_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["a", "b"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        for number in 0..300 {
            fs::write(dir.path().join(folder).join(format!("{number:03}")), b"x").unwrap();
        }
    }
    let plan = WalkPlan::default();
    let (all, tally) = walk_with(dir.path(), &plan, |batch| {
        if batch.met[0].entry.location.path().starts_with(b"a/") {
            Flow::Stop
        } else {
            Flow::Continue
        }
    });
    let reached = all.iter().filter(|met| met.verdict != Verdict::NotReached).count();
    assert_eq!(all.len(), 1 + 1 + 300 + 1, "b is named, what is below it is not");
    assert_eq!(reached, 1 + 1 + 256);
    assert_eq!(tally.entries, all.len() as u64);
    let mut sorted = paths(&all);
    sorted.sort();
    assert_eq!(paths(&all), sorted);
}

#[test]
fn scope_and_limits_are_decided_before_anything_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("private")).unwrap();
    fs::write(dir.path().join("private/letter.txt"), b"x").unwrap();
    fs::write(dir.path().join("big.bin"), vec![0; 100]).unwrap();
    fs::write(dir.path().join("small.bin"), b"x").unwrap();
    let scope = Scope::from_toml("exclude = ['private']").unwrap();
    let plan = WalkPlan { scope, max_size_bytes: Some(10), ..WalkPlan::default() };
    let (all, tally) = walk_with(dir.path(), &plan, |_| Flow::Continue);
    let verdicts: Vec<_> = all.iter().skip(1).map(|met| met.verdict.clone()).collect();
    let rule = "exclude:private".to_owned();
    let expected =
        [Verdict::TooLarge { limit_bytes: 10 }, Verdict::Excluded { rule }, Verdict::Content];
    assert_eq!(verdicts, expected);
    assert_eq!((tally.entries, tally.bytes), (4, 101));
}

#[test]
fn exact_locations_are_met_as_given_and_links_on_the_way_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("real")).unwrap();
    fs::write(dir.path().join("real/x"), b"x").unwrap();
    symlink("real", dir.path().join("link")).unwrap();
    let locations = ["real/x", "missing", "link/x", "real/x"];
    let locations = locations.map(|path| Location::from_path(path.as_bytes().to_vec()));
    let mut plan = WalkPlan::default();
    plan.set_files(locations.to_vec()).unwrap();
    let (all, _) = walk_with(dir.path(), &plan, |_| Flow::Continue);
    assert_eq!(paths(&all), [&b"link/x"[..], b"missing", b"real/x"]);
    let code = |met: &Met| match &met.verdict {
        Verdict::Unreadable(problem) => problem.code.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(all.iter().map(code).collect::<Vec<_>>(), ["ENOTDIR", "ENOENT", "Content"]);
    for outside in ["../x", "/etc/passwd", "a//b"] {
        let location = Location::from_path(outside.as_bytes().to_vec());
        assert!(WalkPlan::default().set_files(vec![location]).is_err(), "{outside}");
    }
}

#[test]
fn a_single_file_is_an_exhibit_of_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("one.bin"), b"12").unwrap();
    let all = walk(&dir.path().join("one.bin"));
    assert_eq!(paths(&all), [b"one.bin"]);
    assert_eq!(all[0].verdict, Verdict::Content);
}

#[test]
fn pseudo_file_systems_are_left_out_by_name() {
    let all = walk(Path::new("/sys"));
    // Asked for by name, the root itself is walked only as far as its own rule allows.
    assert!(!all.is_empty());
    let (all, _) = walk_with(Path::new("/dev"), &WalkPlan::default(), |_| Flow::Continue);
    let pts = all.iter().find(|met| met.entry.location.path() == b"pts");
    if let Some(pts) = pts {
        assert_eq!(pts.verdict, Verdict::Excluded { rule: "pseudo-file-system:devpts".to_owned() });
    }
}
