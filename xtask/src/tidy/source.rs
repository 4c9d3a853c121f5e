//! Rust source as a flat list of tokens, without comments and without what strings say.

use anyhow::anyhow;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::File;

/// One token and where it stands.
#[derive(Debug)]
pub(super) struct Token {
    /// An identifier, a punctuation mark (`::` is one), a bracket, or `""` for a literal.
    pub(super) text: String,
    pub(super) line: usize,
    /// It stands in code that only tests run.
    pub(super) in_test: bool,
}

/// The tokens of one file.
pub(super) struct Source {
    pub(super) tokens: Vec<Token>,
}

impl Source {
    pub(super) fn parse(file: &File) -> anyhow::Result<Source> {
        let stream: TokenStream = file.text.parse().map_err(|error: proc_macro2::LexError| {
            anyhow!("{}:{}: {error}", file.path, error.span().start().line)
        })?;
        let mut source = Source { tokens: Vec::new() };
        source.flatten(stream, file.is_test());
        Ok(source)
    }

    /// Every place where `pattern`, a list of token texts, stands: the index of its first token.
    pub(super) fn find<'a>(&'a self, pattern: &'a [&'a str]) -> impl Iterator<Item = usize> + 'a {
        let windows = self.tokens.windows(pattern.len()).enumerate();
        windows
            .filter(move |(_, window)| window.iter().map(|token| &token.text).eq(pattern))
            .map(|(index, _)| index)
    }

    /// The index of the bracket that closes the one at `open`.
    pub(super) fn closing(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return index;
            }
        }
        self.tokens.len()
    }

    /// The text of the token at `index`, or nothing past the end.
    pub(super) fn text(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.text)
    }

    fn flatten(&mut self, stream: TokenStream, in_test: bool) {
        // An attribute marks the item after it, up to the item's body or semicolon.
        let mut marked = false;
        let mut after_hash = false;
        for tree in stream {
            let in_test = in_test || marked;
            let is_hash = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '#');
            match tree {
                TokenTree::Group(group) => {
                    marked |= after_hash && marks_test(&group);
                    if group.delimiter() == Delimiter::Brace {
                        marked = false;
                    }
                    self.group(&group, in_test);
                }
                TokenTree::Punct(punct) => {
                    if punct.as_char() == ';' {
                        marked = false;
                    }
                    self.punct(punct.as_char(), punct.span().start().line, in_test);
                }
                TokenTree::Ident(ident) => {
                    self.push(ident.to_string(), ident.span().start().line, in_test);
                }
                TokenTree::Literal(literal) => self.push(String::new(), literal.span().start().line, in_test),
            }
            after_hash = is_hash;
        }
    }

    fn group(&mut self, group: &Group, in_test: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => ("", ""),
        };
        self.push(open.to_owned(), group.span_open().start().line, in_test);
        self.flatten(group.stream(), in_test);
        self.push(close.to_owned(), group.span_close().start().line, in_test);
    }

    fn punct(&mut self, mark: char, line: usize, in_test: bool) {
        match self.tokens.last_mut() {
            Some(last) if mark == ':' && last.text == ":" => last.text.push(mark),
            _ => self.push(mark.to_string(), line, in_test),
        }
    }

    fn push(&mut self, text: String, line: usize, in_test: bool) {
        self.tokens.push(Token { text, line, in_test });
    }
}

/// Whether an attribute's brackets hold `cfg(test)`, `cfg(all(test, ..))`, `test` or `tokio::test`.
fn marks_test(attribute: &Group) -> bool {
    let text = attribute.stream().to_string().replace(' ', "");
    let path = text.split('(').next().unwrap_or_default();
    path == "test"
        || path.ends_with("::test")
        || text.starts_with("cfg(test")
        || text.starts_with("cfg(all(test")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse(&File {
            path: "a/src/b.rs".to_owned(),
            text: text.to_owned(),
            bytes: 0,
        })
        .unwrap()
    }

    #[test]
    fn comments_and_strings_are_no_tokens() {
        let source = parse("// sleep(1)\n/// sleep(1)\nfn a() { b(\"sleep(1)\") }");
        assert_eq!(source.find(&["sleep"]).count(), 0);
        assert_eq!(source.find(&["b", "(", "", ")"]).count(), 1);
    }

    #[test]
    fn test_code_is_known_by_its_attribute() {
        let source = parse(
            "fn a() { x() }\n#[cfg(test)]\nmod tests { fn b() { x() } }\nfn c() { x() }\n#[tokio::test(flavor = \"x\")] async fn d() { x() }",
        );
        let calls: Vec<bool> = source
            .find(&["x", "(", ")"])
            .map(|index| source.tokens[index].in_test)
            .collect();
        assert_eq!(calls, [false, true, false, true]);
    }

    #[test]
    fn a_bracket_finds_its_partner() {
        let source = parse("a(b[c], (d)) e");
        let open = source.find(&["("]).next().unwrap();
        assert_eq!(source.text(source.closing(open) + 1), "e");
    }
}
