//! Volumes that stock tools make while the test runs: what was put in must come out.

use std::path::Path;

use md5::{Digest, Md5};
use triage_evidence::NameState;

use crate::reading::Reading;
use crate::records::open;
use crate::tools::{content, has, run, size, write};

#[test]
fn files_that_ntfscp_put_in_come_out_for_every_size_of_cluster() {
    if !has("mkntfs") || !has("ntfscp") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // Sectors of 4 KiB have records of 4 KiB.
    for (sector, cluster) in
        [("512", "512"), ("512", "4096"), ("512", "65536"), ("512", "131072"), ("4096", "4096")]
    {
        let image = path("made.img");
        write(Path::new(&image), &[]);
        size(Path::new(&image), 24 << 20);
        run("mkntfs", &["-F", "-Q", "-s", sector, "-c", cluster, &image]);
        let sizes = [0, 1, 600, 4096, 70_000, 1_000_001];
        for (seed, size) in (1..).zip(sizes) {
            write(Path::new(&path("one")), &content(seed, size));
            run("ntfscp", &[&image, &path("one"), &format!("/file-{size}")]);
        }
        run("ntfscp", &["-N", "beside", &image, &path("one"), "/file-1"]);
        let volume = open(std::fs::read(&image).unwrap()).unwrap();
        let reading = Reading::of(&volume);
        assert!(reading.troubles().is_empty(), "{cluster}");
        for (seed, size) in (1..).zip(sizes).chain([(6, 1_000_001)]) {
            let name = format!("file-{size}");
            let line = reading.lines.iter().find(|line| line.path == name).unwrap();
            assert_eq!(line.state, NameState::Allocated);
            let digest = Md5::digest(content(seed, size));
            let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(line.content.clone().unwrap().unwrap().md5, digest, "{cluster} {name}");
        }
        let beside = reading.lines.iter().find(|line| line.path == "file-1:beside").unwrap();
        assert_eq!(beside.content.clone().unwrap().unwrap().size_bytes, 1_000_001);
    }
}
