//! Names of the code paths that this machine uses, for `doctor` and for measurements.

use crate::Algorithm;
use crate::chains::CHAINED;
use crate::lanes::Engine;

/// Returns the names of the code paths that this machine uses, such as `sha256/sha-ni`.
///
/// The lanes of whole-buffer batches come first, then what one stream uses.
#[must_use]
pub fn simd_paths() -> Vec<&'static str> {
    let mut paths = Vec::new();
    if let Some(engine) = Engine::detect() {
        paths.extend(CHAINED.iter().filter_map(|algorithm| engine.path(algorithm)));
    }
    paths.extend(Algorithm::ALL.map(one_stream_path));
    paths
}

/// Returns the name of the path that an algorithm takes over one stream.
///
/// The SHA and BLAKE3 crates choose for themselves; this repeats their conditions.
pub(crate) fn one_stream_path(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "md5/scalar",
        Algorithm::Sha1 if has_sha_ni() => "sha1/sha-ni",
        Algorithm::Sha1 => "sha1/crate",
        Algorithm::Sha256 if has_sha_ni() => "sha256/sha-ni",
        Algorithm::Sha256 => "sha256/crate",
        Algorithm::Sha512 if has_avx2() => "sha512/avx2",
        Algorithm::Sha512 => "sha512/crate",
        Algorithm::Sha3_256 => "sha3-256/crate",
        Algorithm::Blake3 if has_avx512() => "blake3/avx512",
        Algorithm::Blake3 if has_avx2() => "blake3/avx2",
        Algorithm::Blake3 => "blake3/crate",
    }
}

/// Who made the processor, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Make {
    Amd,
    Other,
}

impl Make {
    /// Asks the processor; CPUID leaf 0 holds the maker's name (AMD64 Architecture Programmer's
    /// Manual, volume 3, appendix E).
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn detect() -> Self {
        let leaf = std::arch::x86_64::__cpuid(0);
        match [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes).as_flattened() {
            b"AuthenticAMD" => Self::Amd,
            _ => Self::Other,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) const fn detect() -> Self {
        Self::Other
    }
}

/// Says whether the SHA instructions of x86 are there.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_sha_ni() -> bool {
    use std::arch::is_x86_feature_detected;
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
pub(crate) const fn has_sha_ni() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_avx512() -> bool {
    false
}
