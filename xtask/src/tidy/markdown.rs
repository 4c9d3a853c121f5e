//! Links in Markdown that point into the repository lead to a file, and to a heading in it.

use std::path::{Component, Path, PathBuf};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{File, Violation};

pub(super) fn check(root: &Path, files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, link) in links(&file.text) {
            violations
                .extend(fault(root, files, file, &link).map(|message| Violation::new(file, line, message)));
        }
    }
    violations
}

fn links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (event, range) in Parser::new_ext(text, Options::all()).into_offset_iter() {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
            let line = 1 + text[..range.start].matches('\n').count();
            links.push((line, dest_url.into_string()));
        }
    }
    links
}

fn fault(root: &Path, files: &[File], file: &File, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        Some(file.path.clone())
    } else {
        resolve(&file.path, path)
    };
    let exists = |target: &String| *target == file.path || root.join(target).exists();
    let Some(target) = target.filter(exists) else {
        return Some(format!("the link leads nowhere: {link}"));
    };
    let page = files.iter().find(|file| file.path == target)?;
    let known = anchor.is_empty()
        || !target.ends_with(".md")
        || anchors(&page.text).iter().any(|known| known == anchor);
    (!known).then(|| format!("no such heading: {link}"))
}

/// The path from the root that `link`, in the file `from`, means; none if it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut path = PathBuf::from(from);
    path.pop();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path.to_string_lossy().replace('\\', "/"))
}

/// The anchors that code hosts make of a page's headings.
fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|heading| slug(&heading))),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept
        .chars()
        .filter(|&letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page src/page.md, with this crate's folder as the root.
    fn messages(text: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = File {
            path: "src/page.md".to_owned(),
            text: text.to_owned(),
            bytes: 0,
        };
        let violations = check(root, &[page]);
        violations
            .into_iter()
            .map(|violation| format!("{}: {}", violation.line, violation.message))
            .collect()
    }

    #[test]
    fn a_link_leads_to_a_file() {
        assert!(
            messages("[a](main.rs) [b](../Cargo.toml) [c](https://example.org/x) `[d](none.rs)`").is_empty()
        );
        assert_eq!(
            messages("x\n\n[a](none.rs)"),
            ["3: the link leads nowhere: none.rs"]
        );
        assert_eq!(
            messages("![a](none.png)"),
            ["1: the link leads nowhere: none.png"]
        );
    }

    #[test]
    fn a_link_stays_in_the_repository() {
        assert_eq!(
            messages("[a](../../Cargo.toml)"),
            ["1: the link leads nowhere: ../../Cargo.toml"]
        );
    }

    #[test]
    fn an_anchor_leads_to_a_heading() {
        assert!(messages("# One `two`\n\n[a](#one-two)").is_empty());
        assert_eq!(
            messages("# One\n\n[a](page.md#two)"),
            ["3: no such heading: page.md#two"]
        );
        assert_eq!(slug("The `FOO` rule, 2.0"), "the-foo-rule-20");
    }
}
