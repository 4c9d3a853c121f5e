//! A strict reader of JSON, for receipts in free text only: payloads are never looked into here.

use crate::limits::JSON_DEPTH;

/// A JSON value. Numbers are known to be numbers, no more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    List(Vec<Json>),
    /// In the order of the text; of a key that comes twice the last one counts.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The trimmed text; `None` for other values and for text of white space.
    pub(crate) fn text(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        Some(text.trim()).filter(|text| !text.is_empty())
    }

    /// The entries of a list.
    pub(crate) fn list(&self) -> Option<&[Self]> {
        let Self::List(entries) = self else { return None };
        Some(entries)
    }
}

/// Reads one JSON document. `None`: it is not one, or deeper than [`JSON_DEPTH`].
pub(crate) fn read(text: &str) -> Option<Json> {
    let mut reader = Reader { rest: text };
    let value = reader.value(JSON_DEPTH)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(token)?;
        Some(())
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        self.rest = chars.as_str();
        Some(first)
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(depth.checked_sub(1)?),
            '[' => self.list(depth.checked_sub(1)?),
            '"' => self.text().map(Json::Text),
            't' => self.take("true").map(|()| Json::Bool(true)),
            'f' => self.take("false").map(|()| Json::Bool(false)),
            'n' => self.take("null").map(|()| Json::Null),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Json> {
        self.take("{")?;
        let mut members = Vec::new();
        self.skip_space();
        if self.take("}").is_some() {
            return Some(Json::Object(members));
        }
        loop {
            self.skip_space();
            let key = self.text()?;
            self.skip_space();
            self.take(":")?;
            members.push((key, self.value(depth)?));
            self.skip_space();
            if self.take(",").is_none() {
                self.take("}")?;
                return Some(Json::Object(members));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Option<Json> {
        self.take("[")?;
        let mut entries = Vec::new();
        self.skip_space();
        if self.take("]").is_some() {
            return Some(Json::List(entries));
        }
        loop {
            entries.push(self.value(depth)?);
            self.skip_space();
            if self.take(",").is_none() {
                self.take("]")?;
                return Some(Json::List(entries));
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                plain if plain < ' ' => return None,
                plain => text.push(plain),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.unit(),
            same @ ('"' | '\\' | '/') => same,
            _ => return None,
        })
    }

    /// One `\u` escape, or the two of a surrogate pair; half a pair becomes U+FFFD.
    fn unit(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let behind = self.rest;
        let second = self.take("\\u").and_then(|()| self.hex());
        match second.filter(|unit| (0xDC00..0xE000).contains(unit)) {
            Some(second) => char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)),
            None => {
                self.rest = behind;
                Some(char::REPLACEMENT_CHARACTER)
            }
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        let all = digits.bytes().all(|b| b.is_ascii_hexdigit());
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok().filter(|_| all)
    }

    fn number(&mut self) -> Option<Json> {
        let _minus = self.take("-");
        if self.take("0").is_none() {
            self.digits()?;
        }
        if self.take(".").is_some() {
            self.digits()?;
        }
        if self.take("e").or_else(|| self.take("E")).is_some() {
            let _sign = self.take("+").or_else(|| self.take("-"));
            self.digits()?;
        }
        Some(Json::Number)
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any.then_some(())
    }
}
