//! A disk as the root directory of a walk: its volumes, and the gaps between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use triage_evidence::{
    ByteSource, Directory, Entry, Facts, FileId, Kind, Listing, Location, Names, Problem,
    ProblemKind, Slice, Stream,
};
use triage_fs::open_file_system;
use triage_image::Image;
use triage_volume::{Content, identify, read_volumes};

use crate::volume::{Place, Volume};
use crate::volume_directory::VolumeDirectory;

/// What a part of a disk holds for a walk.
enum Holding {
    /// Files that are listed.
    Files(Arc<Volume>),
    /// Nothing that is listed, for that reason.
    Closed(Problem),
    /// Bytes of no volume.
    Space,
}

/// A volume or a gap.
struct Part {
    name: Vec<u8>,
    /// Everything but its location.
    entry: Entry,
    holding: Holding,
}

/// A disk that was opened.
pub(crate) struct Disk {
    root: Entry,
    parts: Vec<Part>,
}

impl Disk {
    /// Opens the volumes of a disk.
    pub(crate) fn open(image: &Image) -> Self {
        let map = read_volumes(&image.source);
        let mut facts = image.facts.clone();
        let mut put = |name: &str, value: String| facts.pairs.insert(name.to_owned(), value);
        put("container", image.format.to_owned());
        put("size", image.source.size_bytes().to_string());
        put("sector_bytes", image.source.sector_bytes().to_string());
        put("partition_table", map.scheme.name().to_owned());
        for stored in &image.stored {
            let hex: String = stored.digest.iter().map(|byte| format!("{byte:02x}")).collect();
            put(&format!("stored_{}", stored.algorithm), hex);
        }
        if let Some(identifier) = &map.identifier {
            put("partition_table_id", identifier.clone());
        }
        facts.notes.extend(map.problems.iter().cloned());
        let mut root = Entry::unexamined(Location::root(), Kind::Directory);
        root.facts = Some(Box::new(facts));
        let mut parts: Vec<Part> =
            map.volumes.iter().map(|volume| open_volume(&image.source, volume)).collect();
        parts.extend(map.gaps.iter().map(|gap| {
            let mut entry = Entry::unexamined(Location::root(), Kind::Space);
            entry.size_bytes = Some(gap.size_bytes);
            let name = format!("gap@{}", gap.start).into_bytes();
            Part { name, entry, holding: Holding::Space }
        }));
        Self { root, parts }
    }

    fn find(&self, name: &[u8]) -> Result<&Part, Problem> {
        self.parts.iter().find(|part| part.name == name).ok_or_else(|| {
            Problem::new(ProblemKind::Unreadable, "there is no such volume").with_code("ENOENT")
        })
    }

    /// Forgets which directories were listed, before another walk.
    pub(crate) fn forget_claims(&self) {
        for part in &self.parts {
            if let Holding::Files(volume) = &part.holding {
                volume.forget_claims();
            }
        }
    }

    /// Iterates over the volumes, then the gaps: name, entry, and why its files are not listed.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (&[u8], &Entry, Option<&Problem>)> {
        self.parts.iter().map(|part| {
            let closed = match &part.holding {
                Holding::Closed(problem) => Some(problem),
                Holding::Files(_) | Holding::Space => None,
            };
            (&*part.name, &part.entry, closed)
        })
    }

    /// Returns the entry of the disk itself.
    pub(crate) const fn root_entry(&self) -> &Entry {
        &self.root
    }
}

fn open_volume(disk: &Arc<dyn ByteSource>, found: &triage_volume::Volume) -> Part {
    let slice = Slice::new(Arc::clone(disk), found.start, found.size_bytes);
    let source: Arc<dyn ByteSource> = Arc::new(slice);
    let content = identify(&source);
    let mut facts = described(found, content);
    let opened = match content {
        _ if found.size_bytes == 0 => found.problems.first().cloned().map(Err),
        Content::FileSystem(name) => open_file_system(name, source),
        _ => None,
    };
    let mut entry = Entry::unexamined(Location::root(), Kind::Volume);
    let holding = match opened {
        Some(Ok(files)) => {
            let told = files.facts();
            let mut put = |name: &str, value: String| facts.pairs.insert(name.to_owned(), value);
            put("file_system", told.file_system.to_owned());
            put("cluster_bytes", told.cluster_bytes.to_string());
            if let Some(label) = &told.label {
                put("label", triage_evidence::escape(label));
            }
            if let Some(identifier) = &told.identifier {
                put("identifier", identifier.clone());
            }
            if let Some(zone) = told.time_zone {
                put("time_zone", zone.to_owned());
            }
            facts.notes.extend(told.problems.iter().cloned());
            let volume = Volume::new(files, found.size_bytes, found.number);
            entry.kind = Kind::Directory;
            entry.id = Some(volume.id_of_place(Place::Node(volume.files.root())));
            Holding::Files(Arc::new(volume))
        }
        Some(Err(problem)) => Holding::Closed(problem),
        None => Holding::Closed(content.problem()),
    };
    entry.size_bytes = (entry.kind == Kind::Volume).then_some(found.size_bytes);
    entry.facts = Some(Box::new(facts));
    let name = match found.is_lost {
        true => format!("lost@{}", found.start),
        false => format!("vol{}", found.number),
    };
    Part { name: name.into_bytes(), entry, holding }
}

fn described(found: &triage_volume::Volume, content: Content) -> Facts {
    let mut pairs = BTreeMap::new();
    let mut put = |name: &str, value: String| pairs.insert(name.to_owned(), value);
    put("start", found.start.to_string());
    put("size", found.size_bytes.to_string());
    put("content", content.to_string());
    put("partition_type", found.type_name.clone());
    if let Some(label) = &found.label {
        put("partition_label", triage_evidence::escape(label));
    }
    if let Some(identifier) = &found.identifier {
        put("partition_id", identifier.clone());
    }
    Facts { pairs, notes: found.problems.clone() }
}

/// Returns why a disk or a volume is not all there, if it is not: whatever lies in what is missing,
/// deleted or not, a run that did not see it is not complete.
fn missing_part(entry: &Entry) -> Option<Problem> {
    let notes = entry.facts.as_deref().map_or(&[][..], |facts| &facts.notes);
    notes.iter().find(|note| is_missing(note)).cloned()
}

/// Says whether a note tells of bytes that are not there.
pub(crate) fn is_missing(note: &Problem) -> bool {
    note.lost_bytes.is_some_and(|lost| lost > 0)
}

/// The root directory of a disk.
pub(crate) struct DiskDirectory(pub(crate) Arc<Disk>);

impl Directory for DiskDirectory {
    fn list(&self) -> Listing {
        let mut names = Names::default();
        for part in &self.0.parts {
            names.push(&part.name, part.entry.kind);
        }
        let entries = std::iter::once(&self.0.root).chain(self.0.parts.iter().map(|p| &p.entry));
        Listing { names, problem: entries.into_iter().find_map(missing_part) }
    }

    fn examine(&self, name: &[u8], location: Location) -> Result<Entry, Problem> {
        let entry = match name {
            b"." => &self.0.root,
            name => &self.0.find(name)?.entry,
        };
        Ok(Entry { location, ..entry.clone() })
    }

    fn open_directory(&self, entry: &Entry) -> Result<Arc<dyn Directory>, Problem> {
        match &self.0.find(entry.location.name())?.holding {
            Holding::Files(volume) => {
                let (disk, volume) = (Arc::clone(&self.0), Arc::clone(volume));
                Ok(Arc::new(VolumeDirectory::root(disk, volume)))
            }
            Holding::Closed(problem) => Err(problem.clone()),
            Holding::Space => Err(Problem::new(ProblemKind::Unsupported, "it is no directory")),
        }
    }

    fn open_parent(&self, _expected: FileId) -> Result<Arc<dyn Directory>, Problem> {
        Err(Problem::new(ProblemKind::Internal, "there is nothing above a disk"))
    }

    fn open_stream(&self, entry: &Entry) -> Result<Box<dyn Stream>, Problem> {
        match &self.0.find(entry.location.name())?.holding {
            Holding::Closed(problem) => Err(problem.clone()),
            Holding::Files(_) | Holding::Space => {
                Err(Problem::new(ProblemKind::Unsupported, "only a file has content"))
            }
        }
    }
}
