//! `bench growth`: scans of ten thousand, a hundred thousand and a million files: seconds for each
//! file and the most memory, as a table and a plot. Cost must grow with the files and no faster.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::group::Side;
use super::{Scratch, corpus, machine};
use crate::error::{Error, Outcome, at};
use crate::workspace::root;

/// What is scanned.
const COUNTS: [u64; 3] = [10_000, 100_000, 1_000_000];
/// Passes of each; the fastest counts.
const PASSES: usize = 3;
/// How much longer a file may take among the most files than among the fewest.
const MOST_GROWTH: f64 = 1.3;
/// The plot, beside the page.
const PLOT: &str = "performance-growth.svg";

/// What the task is asked.
#[derive(Args)]
pub(crate) struct GrowthArgs {
    /// Without the million
    #[arg(long)]
    quick: bool,
    /// Where files and packages are made, outside the tree; removed at the end
    #[arg(long)]
    scratch: Option<PathBuf>,
    /// A binary to measure instead of a fresh release build
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// What a scan of so many files needed.
struct Point {
    files: u64,
    /// The fastest pass.
    seconds: f64,
    /// The most of all passes.
    peak_kib: u64,
}

impl Point {
    fn micros_per_file(&self) -> f64 {
        self.seconds * 1e6 / self.files as f64
    }
}

/// Measures, prints, and writes docs/performance-growth.md and its plot (whole runs only).
///
/// # Errors
/// Our binary fails, the disk has no room for the files, or cost grows faster than the files.
pub(super) fn run(args: &GrowthArgs) -> Outcome {
    let binary = match &args.binary {
        Some(binary) => binary.canonicalize().map_err(at("find", binary))?,
        None => super::release()?,
    };
    let scratch = Scratch::make(args.scratch.as_deref())?;
    let counts = if args.quick { &COUNTS[..2] } else { &COUNTS };
    let mut points = Vec::new();
    for &files in counts {
        let point = measure(&binary, &scratch.0, files)?;
        println!("{}", row(&point));
        points.push(point);
    }
    if !args.quick {
        let docs = root().join("docs");
        let (page, drawn) = (docs.join("performance-growth.md"), docs.join(PLOT));
        fs::write(&page, render(&points)).map_err(at("write", &page))?;
        fs::write(&drawn, plot(&points)).map_err(at("write", &drawn))?;
        println!("wrote {page:?} and {drawn:?}");
    }
    judge(&points)
}

fn measure(binary: &Path, scratch: &Path, files: u64) -> Outcome<Point> {
    let free = rustix::fs::statvfs(scratch).map_or(u64::MAX, |file_system| file_system.f_favail);
    if free < files + files / 100 {
        return Err(Error::Refused(format!("{scratch:?} has room for {free} files, not {files}")));
    }
    let corpus = corpus::of_growth(files).make(scratch)?;
    let case = scratch.join("case");
    let side = Side::new("triage", binary, "scan -q --io ssd --algorithms md5,sha1,sha256");
    let side = side.arg(&corpus.dir).arg("--case").arg(&case).removes(vec![case]);
    side.once()?;
    let mut point = Point { files, seconds: f64::INFINITY, peak_kib: 0 };
    for _ in 0..PASSES {
        let (seconds, peak_kib) = side.once_with_peak()?;
        point.seconds = point.seconds.min(seconds);
        point.peak_kib = point.peak_kib.max(peak_kib);
    }
    corpus.remove()?;
    Ok(point)
}

fn judge(points: &[Point]) -> Outcome {
    let ends = points.first().zip(points.last());
    let grown = ends.map_or(f64::NAN, |(few, many)| many.micros_per_file() / few.micros_per_file());
    println!("a file among the most takes {grown:.2} times as long, at most {MOST_GROWTH}");
    if grown <= MOST_GROWTH {
        return Ok(());
    }
    Err(Error::Findings { check: "bench growth", findings: 1 })
}

fn row(point: &Point) -> String {
    format!(
        "| {} | {:.2} | {:.2} | {} |",
        point.files,
        point.seconds,
        point.micros_per_file(),
        point.peak_kib >> 10
    )
}

fn render(points: &[Point]) -> String {
    let mut text = "<!-- Written by `cargo xtask bench growth`: do not edit. -->\n\n\
        # How cost grows\n\n\
        Scans of small files (log-normal, median 1 KiB, at most 64 KiB) with MD5, SHA-1 and\n\
        SHA-256, the package written; the fastest of three passes, the most memory of all.\n\n"
        .to_owned();
    for line in machine::words(&[]) {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "- {line}");
    }
    text.push_str(
        "\n| files | seconds | microseconds a file | most memory, MiB |\n|--|--|--|--|\n",
    );
    for point in points {
        let _ = writeln!(text, "{}", row(point));
    }
    let _ = writeln!(text, "\n![time for each file and most memory]({PLOT})");
    text
}

/// The width of a drawing, its height, and the room for words around the curves.
const SIZE: (f64, f64) = (640.0, 300.0);
const MARGIN: (f64, f64) = (70.0, 40.0);

/// Draws both curves over the logarithm of the files, each against its own greatest value.
fn plot(points: &[Point]) -> String {
    let (width, height) = SIZE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let time = |point: &Point| point.micros_per_file();
    let memory = |point: &Point| (point.peak_kib >> 10) as f64;
    curve(&mut svg, points, "#0b57d0", "microseconds a file", 18.0, &time);
    curve(&mut svg, points, "#b3261e", "most memory, MiB", 34.0, &memory);
    let bottom = height - MARGIN.1;
    let _ = writeln!(
        svg,
        "<path d=\"M{} {} V{bottom} H{}\" fill=\"none\" stroke=\"#444444\"/>",
        MARGIN.0,
        MARGIN.1,
        width - 20.0
    );
    for point in points {
        let x = across(points, point);
        let _ = writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"#222222\">{} files</text>",
            bottom + 18.0,
            point.files
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Where a point stands from left to right.
fn across(points: &[Point], point: &Point) -> f64 {
    let log = |files: u64| (files as f64).log10();
    let (first, last) = points.first().zip(points.last()).map_or((0.0, 1.0), |(first, last)| {
        (log(first.files), log(last.files).max(log(first.files) + 1.0))
    });
    let room = SIZE.0 - 2.0 * MARGIN.0;
    MARGIN.0 + 30.0 + (log(point.files) - first) / (last - first) * (room - 30.0)
}

fn curve(
    svg: &mut String,
    points: &[Point],
    colour: &str,
    what: &str,
    legend_at: f64,
    value: &dyn Fn(&Point) -> f64,
) {
    let most = points.iter().map(value).fold(1.0, f64::max);
    let room = SIZE.1 - 2.0 * MARGIN.1 - 20.0;
    let places: Vec<(f64, f64)> = points
        .iter()
        .map(|point| (across(points, point), SIZE.1 - MARGIN.1 - value(point) / most * room))
        .collect();
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x:.0},{y:.0}")).collect();
    let _ = writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
         <text x=\"{}\" y=\"{legend_at}\" fill=\"{colour}\">{what}</text>",
        line.join(" "),
        MARGIN.0
    );
    for ((x, y), point) in places.iter().zip(points) {
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"3\" fill=\"{colour}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{:.1}</text>",
            x + 6.0,
            y - 6.0,
            value(point)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(seconds: f64) -> [Point; 2] {
        [
            Point { files: 10_000, seconds: 0.1, peak_kib: 40 << 10 },
            Point { files: 1_000_000, seconds, peak_kib: 60 << 10 },
        ]
    }

    #[test]
    fn growth_beyond_the_files_is_a_finding() {
        assert!(judge(&points(12.9)).is_ok());
        assert!(judge(&points(13.1)).is_err());
        assert!(judge(&[]).is_err());
    }

    #[test]
    fn page_and_plot_have_every_point() {
        let (page, svg) = (render(&points(12.0)), plot(&points(12.0)));
        assert!(page.contains("| 1000000 | 12.00 | 12.00 | 60 |"), "{page}");
        for word in ["10000 files", "1000000 files", ">12.0<", ">60.0<", "microseconds a file"] {
            assert!(svg.contains(word), "{word} in {svg}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
