//! The walk itself: depth first, one directory level at a time, few directories open.
//!
//! A directory is listed when it is met, so that its own entry can say whether that failed, and
//! its names are walked when their turn comes. However deep the tree, only the deepest levels stay
//! open; the way back is `..`, checked against the identity of the directory expected there.

use std::sync::Arc;

use triage_evidence::{Directory, Entry, FileId, Kind, Location, Names, Problem, ProblemKind};

use crate::order::{Turn, key, turns};
use crate::outbox::Outbox;
use crate::{Flow, LocationRange, Scope, Verdict};

/// How many directories along the path stay open: well below the usual 1,024 descriptors, which
/// batches that wait for a worker need too.
const LIMIT_OPEN: usize = 64;
/// The longest path that is followed, in bytes. Real ones stay below 4,096.
const LIMIT_PATH_BYTES: usize = 1024 * 1024;

/// What of the evidence is walked.
#[derive(Clone, Debug, Default)]
pub struct WalkPlan {
    /// What may be read.
    pub scope: Scope,
    /// Larger files are not opened, in bytes.
    pub max_size_bytes: Option<u64>,
    /// Whether other file systems mounted below the root are left out.
    pub one_file_system: bool,
    /// Exactly these locations instead of everything; sorted and without doubles.
    pub files: Option<Vec<Location>>,
    /// The part of the exhibit that is handed out.
    pub range: LocationRange,
    /// The last location that an earlier run has handed out, and the number of the next one.
    pub resume: Option<(Location, u64)>,
}

/// A child directory that was listed and whose turn to be walked has not come.
struct Listed {
    place: u32,
    entry: Entry,
    names: Names,
    directory: Option<Arc<dyn Directory>>,
}

/// One level of the walk.
struct Frame {
    location: Location,
    id: Option<FileId>,
    /// Closed when the walk is far below.
    directory: Option<Arc<dyn Directory>>,
    names: Names,
    turns: Vec<Turn>,
    next: usize,
    listed: Vec<Listed>,
}

/// A walk under way.
pub(crate) struct Walk<'a, 'o> {
    plan: &'a WalkPlan,
    outbox: &'a mut Outbox<'o>,
    frames: Vec<Frame>,
    /// Whether what an earlier run has done is walked again, without being handed out: on a disk,
    /// what is met depends on which directories were listed before.
    walks_again: bool,
}

impl<'a, 'o> Walk<'a, 'o> {
    /// Returns a walk that hands out through that outbox.
    pub(crate) const fn new(
        plan: &'a WalkPlan,
        outbox: &'a mut Outbox<'o>,
        walks_again: bool,
    ) -> Self {
        Self { plan, outbox, frames: Vec::new(), walks_again }
    }

    /// Gives back what the walk was made of.
    pub(crate) fn into_parts(self) -> (&'a WalkPlan, &'a mut Outbox<'o>) {
        (self.plan, self.outbox)
    }

    /// Walks everything below the root, the root included.
    pub(crate) fn root(mut self, root: &Arc<dyn Directory>) {
        let listing = root.list();
        let entry = root
            .examine(b".", Location::root())
            .unwrap_or_else(|_| Entry::unexamined(Location::root(), Kind::Directory));
        let id = entry.id;
        if !self.plan.is_done(&Location::root()) {
            let verdict = listed_verdict(listing.problem, listing.names.is_empty());
            self.outbox.put(root, entry, verdict);
        } else if listing.problem.is_some() && listing.names.is_empty() {
            self.outbox.lose_directory();
        }
        self.push(Location::root(), id, Arc::clone(root), listing.names);
        while !self.frames.is_empty() && self.outbox.flow() != Flow::Abort {
            self.step(root);
        }
    }

    /// Says whether nothing below that directory is to be handed out any more.
    fn is_done_below(&self, location: &Location) -> bool {
        let Some(last) = self.plan.done() else { return false };
        let (path, last) = (location.path(), last.path());
        match last.get(..path.len()) {
            Some(start) if start == path => match last.get(path.len()) {
                Some(&b'/') | None => false,
                Some(&byte) => byte > b'/',
            },
            _ => path < last,
        }
    }

    fn push(
        &mut self,
        location: Location,
        id: Option<FileId>,
        directory: Arc<dyn Directory>,
        names: Names,
    ) {
        let turns = turns(&names);
        // The root stays open: the way back can always be found from there.
        if self.frames.len() > LIMIT_OPEN {
            let closed = self.frames.len() - LIMIT_OPEN;
            self.frames[closed].directory = None;
        }
        let directory = Some(directory);
        let listed = Vec::new();
        self.frames.push(Frame { location, id, directory, names, turns, next: 0, listed });
    }

    /// Takes the next turn of the deepest directory, or leaves it.
    fn step(&mut self, root: &Arc<dyn Directory>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let Some(&turn) = frame.turns.get(frame.next) else {
            self.leave(root);
            return;
        };
        frame.next += 1;
        let (name, _) = key(&frame.names, turn);
        let location = frame.location.child(name);
        if self.plan.range.ends_before(&location) {
            // What is met later lies behind the range too.
            self.frames.clear();
            return;
        }
        match turn {
            Turn::Meet(_) if self.plan.is_done(&location) => {}
            Turn::Meet(place) => self.meet(place, location, root),
            Turn::Descend(_) if !self.walks_again && self.is_done_below(&location) => {}
            Turn::Descend(place) => self.descend(place, location, root),
        }
    }

    /// Goes back to the directory above, and opens it again if it was closed.
    fn leave(&mut self, root: &Arc<dyn Directory>) {
        let Some(left) = self.frames.pop() else { return };
        self.outbox.let_go();
        let Some(above) = self.frames.last_mut() else { return };
        if above.directory.is_some() {
            return;
        }
        let by_parent = match (&left.directory, above.id) {
            (Some(child), Some(id)) => child.open_parent(id).ok(),
            _ => None,
        };
        let expected = above.id;
        let found = by_parent.or_else(|| reopen(root, &above.location, expected));
        match found {
            Some(directory) => above.directory = Some(directory),
            None => self.give_up_level(root),
        }
    }

    /// The deepest directory cannot be opened again: what is left in it is recorded as such.
    fn give_up_level(&mut self, root: &Arc<dyn Directory>) {
        let Some(mut frame) = self.frames.pop() else { return };
        let text = "the directory above it could not be opened again";
        let problem = Problem::new(ProblemKind::Unreadable, text);
        for &turn in frame.turns.get(frame.next..).unwrap_or_default() {
            match turn {
                Turn::Meet(place) => {
                    let Some((name, kind)) = frame.names.get(place as usize) else { continue };
                    let location = frame.location.child(name);
                    if self.plan.hands_out(&location) {
                        let entry = Entry::unexamined(location, kind);
                        self.outbox.put(root, entry, Verdict::Unreadable(problem.clone()));
                    }
                }
                Turn::Descend(place) => {
                    if let Some(listed) = take_listed(&mut frame.listed, place) {
                        let (entry, names) = (&listed.entry, &listed.names);
                        self.outbox.lose_listed(self.plan, root, entry, names, &problem);
                    }
                }
            }
        }
        self.frames.push(Frame { turns: Vec::new(), directory: None, next: 0, ..frame });
    }

    fn meet(&mut self, place: u32, location: Location, root: &Arc<dyn Directory>) {
        let Some(frame) = self.frames.last() else { return };
        let Some((name, kind)) = frame.names.get(place as usize) else { return };
        let directory = Arc::clone(frame.directory.as_ref().unwrap_or(root));
        if self.outbox.flow() == Flow::Stop {
            let entry = Entry::unexamined(location, kind);
            self.outbox.put(&directory, entry, Verdict::NotReached);
            return;
        }
        let (entry, verdict) = self.plan.judge(&directory, name, location);
        if entry.kind != Kind::Directory || verdict != Verdict::NotRegular {
            self.outbox.put(&directory, entry, verdict);
            return;
        }
        let verdict = self.list(place, &directory, &entry);
        self.outbox.put(&directory, entry, verdict);
    }

    /// Lists a child directory and keeps its names for when its turn comes.
    fn list(&mut self, place: u32, directory: &Arc<dyn Directory>, entry: &Entry) -> Verdict {
        if let Some(rule) = self.rule_against(entry) {
            return Verdict::Excluded { rule };
        }
        if entry.location.path().len() > LIMIT_PATH_BYTES {
            let text = format!("the path is longer than {LIMIT_PATH_BYTES} bytes");
            return Verdict::Unreadable(Problem::new(ProblemKind::LimitReached, text));
        }
        let child = match directory.open_directory(entry) {
            Ok(child) => child,
            Err(problem) => return Verdict::Unreadable(problem),
        };
        if let Some(name) = child.volume_kind() {
            return Verdict::Excluded { rule: format!("pseudo-file-system:{name}") };
        }
        let listing = child.list();
        let verdict = listed_verdict(listing.problem, listing.names.is_empty());
        let Some(frame) = self.frames.last_mut() else { return verdict };
        // Kept open only if it is walked at once: between `a` and `a/` there may be `a-`, `a.`.
        let at_once = frame.turns.get(frame.next) == Some(&Turn::Descend(place));
        let directory = at_once.then_some(child);
        let entry = entry.clone();
        frame.listed.push(Listed { place, entry, names: listing.names, directory });
        verdict
    }

    fn rule_against(&self, entry: &Entry) -> Option<String> {
        let id = entry.id?;
        if self.frames.iter().any(|frame| frame.id == Some(id)) {
            return Some("directory-loop".to_owned());
        }
        let above = self.frames.last().and_then(|frame| frame.directory.as_ref());
        if above.is_some_and(|directory| directory.is_listed_before(entry)) {
            return Some("listed-before".to_owned());
        }
        let root = self.frames.first()?.id?;
        (self.plan.one_file_system && root.device != id.device)
            .then(|| "other-file-system".to_owned())
    }

    /// Goes down into a child directory that was listed.
    fn descend(&mut self, place: u32, location: Location, root: &Arc<dyn Directory>) {
        let Some(frame) = self.frames.last_mut() else { return };
        let listed = match take_listed(&mut frame.listed, place) {
            Some(listed) => listed,
            None => match self.list_again(place, &location) {
                Some(listed) => listed,
                None => return,
            },
        };
        let Some(frame) = self.frames.last() else { return };
        let above = Arc::clone(frame.directory.as_ref().unwrap_or(root));
        let opened = match listed.directory {
            Some(directory) => Ok(directory),
            None if self.outbox.flow() == Flow::Stop => Ok(Arc::clone(root)),
            None => above.open_directory(&listed.entry),
        };
        self.outbox.let_go();
        match opened {
            Ok(directory) => self.push(location, listed.entry.id, directory, listed.names),
            Err(problem) => {
                let (entry, names) = (&listed.entry, &listed.names);
                self.outbox.lose_listed(self.plan, root, entry, names, &problem);
            }
        }
    }

    /// Lists a directory whose own entry an earlier run has handed out.
    fn list_again(&mut self, place: u32, location: &Location) -> Option<Listed> {
        if !self.plan.is_done(location) {
            return None;
        }
        let frame = self.frames.last()?;
        let directory = Arc::clone(frame.directory.as_ref()?);
        let (name, kind) = frame.names.get(place as usize)?;
        if !matches!(kind, Kind::Directory | Kind::Unknown) {
            return None;
        }
        let (entry, verdict) = self.plan.judge(&directory, name, location.clone());
        if entry.kind != Kind::Directory || verdict != Verdict::NotRegular {
            return None;
        }
        if self.rule_against(&entry).is_some() {
            return None;
        }
        let Ok(child) = directory.open_directory(&entry) else {
            self.outbox.lose_directory();
            return None;
        };
        if child.volume_kind().is_some() {
            return None;
        }
        let names = child.list().names;
        Some(Listed { place, entry, names, directory: Some(child) })
    }
}

fn take_listed(listed: &mut Vec<Listed>, place: u32) -> Option<Listed> {
    let found = listed.iter().position(|listed| listed.place == place)?;
    Some(listed.swap_remove(found))
}

pub(crate) fn listed_verdict(problem: Option<Problem>, nothing: bool) -> Verdict {
    match problem {
        None => Verdict::NotRegular,
        Some(problem) if nothing => Verdict::Unreadable(problem),
        Some(problem) => Verdict::Partial(problem),
    }
}

/// Opens a directory from the root down, name by name, following no link.
fn reopen(
    root: &Arc<dyn Directory>,
    location: &Location,
    expected: Option<FileId>,
) -> Option<Arc<dyn Directory>> {
    let mut directory = Arc::clone(root);
    let mut at = Location::root();
    let mut id = None;
    for name in location.path().split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        at = at.child(name);
        let entry = directory.examine(name, at.clone()).ok()?;
        id = entry.id;
        directory = directory.open_directory(&entry).ok()?;
    }
    (id == expected).then_some(directory)
}
