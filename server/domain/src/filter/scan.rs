//! Reads the words of a filter: names, bare values and quoted strings.

use super::FilterError;
use super::ast::Word;

/// Characters of the request that an error message repeats at most.
const QUOTE_CHARS: usize = 100;

/// A position in the text of a filter.
pub(super) struct Scanner<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over `expected` if it comes next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.position += expected.len();
        }
        found
    }

    pub(super) fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Steps over `keyword` if it comes next as a whole word.
    pub(super) fn eat_keyword(&mut self, keyword: &str) -> bool {
        let found = self
            .rest()
            .strip_prefix(keyword)
            .is_some_and(|after| !after.starts_with(|c: char| is_name(c) || c == '.'));
        if found {
            self.position += keyword.len();
        }
        found
    }

    /// Reads letters, digits and `_`; empty where none stands here.
    pub(super) fn name(&mut self) -> Word {
        let position = self.position;
        Word {
            text: self.take_while(is_name).to_owned(),
            quoted: false,
            position,
        }
    }

    /// Reads an unquoted value or a lone `*`; empty where none stands here.
    pub(super) fn bare_value(&mut self) -> Word {
        let position = self.position;
        let text = if self.eat("*") {
            "*"
        } else {
            self.take_while(is_bare)
        };
        Word {
            text: text.to_owned(),
            quoted: false,
            position,
        }
    }

    /// Reads a quoted string if a quote stands here.
    pub(super) fn quoted(&mut self) -> Result<Option<Word>, FilterError> {
        let position = self.position;
        let Some(quote) = self.peek().filter(|c| matches!(c, '"' | '\'')) else {
            return Ok(None);
        };
        self.bump();
        let mut text = String::new();
        loop {
            let at = self.position;
            let c = match self.bump() {
                None => {
                    return Err(FilterError::new(
                        position,
                        format!("the string is not closed: {quote} is missing"),
                    ));
                }
                Some(c) if c == quote => {
                    return Ok(Some(Word {
                        text,
                        quoted: true,
                        position,
                    }));
                }
                Some('\\') => self.escape(at)?,
                Some(c) => c,
            };
            // No stored text holds NUL, and PostgreSQL refuses it as a parameter.
            if c == '\0' {
                return Err(FilterError::new(at, "a string cannot hold the character NUL"));
            }
            text.push(c);
        }
    }

    /// Describes what stands at `position`, for an error message.
    pub(super) fn found(&self, position: usize) -> String {
        match self.text[position..].split_whitespace().next() {
            Some(word) => format!("found {}", quote(word)),
            None => "found the end of the filter".to_owned(),
        }
    }

    /// Reads what follows a backslash, which stands at `start`.
    fn escape(&mut self, start: usize) -> Result<char, FilterError> {
        match self.bump() {
            Some(c @ ('"' | '\'' | '\\' | '/')) => Ok(c),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('u') => self.unicode_escape().ok_or_else(|| {
                FilterError::new(
                    start,
                    "\\u takes four hexadecimal digits; above FFFF a pair of surrogates, as in JSON",
                )
            }),
            Some(_) | None => Err(FilterError::new(
                start,
                r#"unknown escape: allowed are \" \' \\ \/ \b \f \n \r \t \uXXXX"#,
            )),
        }
    }

    fn unicode_escape(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if !(0xD800..=0xDBFF).contains(&first) {
            return char::from_u32(first);
        }
        if !self.eat("\\u") {
            return None;
        }
        let second = self.hex4().filter(|unit| (0xDC00..=0xDFFF).contains(unit))?;
        char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self
            .rest()
            .get(..4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.position += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.position += c.len_utf8();
        Some(c)
    }

    fn take_while(&mut self, wanted: fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }
}

/// Tells whether `c` may stand in a field name or an unquoted label key.
pub(super) const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Tells whether `c` may stand in an unquoted value; times, ids, slugs and negative numbers need no quotes.
fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '+' | '/' | '@')
}

/// Quotes a part of the request for an error message: cut, and without characters that could upset a log.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("`");
    for c in text.chars().take(QUOTE_CHARS) {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(QUOTE_CHARS).is_some() {
        out.push('…');
    }
    out.push('`');
    out
}
