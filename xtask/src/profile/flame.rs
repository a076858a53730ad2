//! Folds the samples of `perf script` into stacks, and draws them as a flame graph: each box as
//! wide as the share of samples in which its function was running, or what it called.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Stacks, the outermost function first, with their samples.
pub(super) type Stacks = BTreeMap<Vec<String>, u64>;

/// Reads the output of `perf script -F comm,tid,ip,sym`: a line for the thread, one for each
/// function from the innermost, a blank line behind each sample.
pub(super) fn fold(text: &str) -> Stacks {
    let mut stacks = Stacks::new();
    for sample in text.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next().and_then(|line| line.split_whitespace().next()) else {
            continue;
        };
        let mut stack: Vec<String> = lines.map(function).collect();
        stack.push(thread.to_owned());
        stack.reverse();
        *stacks.entry(stack).or_default() += 1;
    }
    stacks
}

/// The function of a line: an address, its name, and an offset into it.
fn function(line: &str) -> String {
    let (_, name) = line.trim().split_once(' ').unwrap_or(("", "[unknown]"));
    let name = name.rsplit_once("+0x").map_or(name, |(name, _)| name);
    name.trim().to_owned()
}

/// A function with those that it called.
#[derive(Default)]
struct Node {
    samples: u64,
    called: BTreeMap<String, Node>,
}

const WIDTH: f64 = 1200.0;
const ROW: f64 = 17.0;
/// Below this share of the samples a box is not drawn.
const LEAST_SHARE: f64 = 0.001;

/// Draws the stacks, the outermost functions at the top.
pub(super) fn draw(stacks: &Stacks) -> String {
    let mut root = Node::default();
    for (stack, samples) in stacks {
        root.samples += samples;
        let mut node = &mut root;
        for name in stack {
            node = node.called.entry(name.clone()).or_default();
            node.samples += samples;
        }
    }
    let deepest = stacks.keys().map(Vec::len).max().unwrap_or(0);
    let height = ROW * (deepest as f64 + 1.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
    );
    let all = root.samples.max(1) as f64;
    boxes(&root, 0.0, 0.0, all, &mut svg);
    svg.push_str("</svg>\n");
    svg
}

/// Draws what a function called, side by side. A stack is as deep as perf records it: 127.
fn boxes(node: &Node, left: f64, top: f64, all: f64, svg: &mut String) {
    let mut left = left;
    for (name, called) in &node.called {
        let share = called.samples as f64 / all;
        let width = share * WIDTH;
        if share >= LEAST_SHARE {
            one_box(name, (left, top, width), share, svg);
            boxes(called, left, top + ROW, all, svg);
        }
        left += width;
    }
}

fn one_box(name: &str, (left, top, width): (f64, f64, f64), share: f64, svg: &mut String) {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // A colour of fire from the name, so that a function has the same one everywhere.
    let hue = name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31) ^ u32::from(byte)) % 50;
    let fits = (width / 6.7) as usize;
    let label: String = if fits > 3 { name.chars().take(fits).collect() } else { String::new() };
    // Writing into a String cannot fail.
    let _ = writeln!(
        svg,
        "<g><title>{} ({:.1} %)</title><rect x=\"{left:.1}\" y=\"{top}\" width=\"{width:.1}\" \
         height=\"{}\" fill=\"hsl({hue},80%,70%)\" stroke=\"#ffffff\"/>\
         <text x=\"{:.1}\" y=\"{}\">{}</text></g>",
        escaped(name),
        share * 100.0,
        ROW - 1.0,
        left + 2.0,
        top + 12.0,
        escaped(&label)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "triage 41\n\
        \t55aa core::hash<u8>::run+0x1c\n\
        \t55ab main+0x2\n\
        \n\
        triage 41\n\
        \t55aa core::hash<u8>::run+0x44\n\
        \t55ab main+0x2\n\
        \n\
        triage 42\n\
        \tffff [unknown]\n\
        \n";

    #[test]
    fn samples_of_one_stack_are_counted_together() {
        let stacks = fold(TEXT);
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let expected = [
            (names(&["triage", "[unknown]"]), 1),
            (names(&["triage", "main", "core::hash<u8>::run"]), 2),
        ];
        assert_eq!(stacks, expected.into_iter().collect());
    }

    #[test]
    fn a_box_is_as_wide_as_its_share() {
        let svg = draw(&fold(TEXT));
        assert!(svg.contains("<title>main (66.7 %)</title>"), "{svg}");
        assert!(svg.contains("<title>core::hash&lt;u8&gt;::run (66.7 %)</title>"), "{svg}");
        assert!(svg.contains("width=\"800.0\"") && svg.contains("width=\"400.0\""), "{svg}");
        assert!(draw(&Stacks::new()).ends_with("</svg>\n"));
    }
}
