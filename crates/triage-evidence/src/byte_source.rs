//! Bytes of a known length that any thread reads at any place: an image, a device, a volume.

use std::sync::Arc;

use crate::Problem;

/// A source of bytes, such as a decoded disk image. Nothing here can write.
pub trait ByteSource: Send + Sync {
    /// Returns the length in bytes.
    fn size_bytes(&self) -> u64;

    /// Fills `buffer` with the bytes at `offset` and returns how many there were: fewer than asked
    /// only at the end of the source, none behind it.
    ///
    /// # Errors
    /// A [`Problem`] whose offset is that of the first byte of this source that could not be read
    /// and whose `lost_bytes` is the length of the bad range. What of the buffer was filled is
    /// then unspecified: the caller reads the parts around the bad range.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem>;

    /// Returns the size of a logical sector in bytes, as the device or image declares it.
    fn sector_bytes(&self) -> u32 {
        512
    }
}

impl<T: ByteSource + ?Sized> ByteSource for Arc<T> {
    fn size_bytes(&self) -> u64 {
        (**self).size_bytes()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        (**self).read_at(offset, buffer)
    }

    fn sector_bytes(&self) -> u32 {
        (**self).sector_bytes()
    }
}

impl ByteSource for Vec<u8> {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(start..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

/// A range of another source, such as a volume in a disk.
#[derive(Clone)]
pub struct Slice {
    source: Arc<dyn ByteSource>,
    start: u64,
    size_bytes: u64,
}

impl Slice {
    /// Takes `size_bytes` at `start`, or as much of them as the source holds.
    #[must_use]
    pub fn new(source: Arc<dyn ByteSource>, start: u64, size_bytes: u64) -> Self {
        let size_bytes = size_bytes.min(source.size_bytes().saturating_sub(start));
        Self { source, start, size_bytes }
    }

    /// Returns where in the source the slice begins, in bytes.
    #[must_use]
    pub const fn start(&self) -> u64 {
        self.start
    }
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slice({} + {})", self.start, self.size_bytes)
    }
}

impl ByteSource for Slice {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Problem> {
        let rest = self.size_bytes.saturating_sub(offset);
        let length = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..length).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let read = self.source.read_at(self.start.saturating_add(offset), buffer);
        read.map_err(|problem| {
            let offset = problem.offset.map(|offset| offset.saturating_sub(self.start));
            Problem { offset, ..problem }
        })
    }

    fn sector_bytes(&self) -> u32 {
        self.source.sector_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_reads_only_its_range() {
        let source: Arc<dyn ByteSource> = Arc::new((0..100_u8).collect::<Vec<_>>());
        let slice = Slice::new(Arc::clone(&source), 90, 50);
        assert_eq!(slice.size_bytes(), 10);
        let mut buffer = [0; 20];
        assert_eq!(slice.read_at(3, &mut buffer).unwrap(), 7);
        assert_eq!(buffer[..7], [93, 94, 95, 96, 97, 98, 99]);
        assert_eq!(slice.read_at(10, &mut buffer).unwrap(), 0);
        let nested = Slice::new(Arc::new(slice), 2, 3);
        assert_eq!(nested.read_at(0, &mut buffer).unwrap(), 3);
        assert_eq!(buffer[..3], [92, 93, 94]);
        assert_eq!(Slice::new(source, u64::MAX, 9).size_bytes(), 0);
    }
}
