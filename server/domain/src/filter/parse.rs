//! The grammar: text to [`Node`], by recursive descent with bounded depth and size.

use super::ast::{Comparator, Node, Restriction, Word};
use super::scan::{Scanner, quote};
use super::{FilterError, Op};
use crate::limits::{FILTER_BYTES, FILTER_DEPTH, FILTER_TERMS};

/// Longer symbols first: `<=` must not be read as `<`.
const COMPARATORS: [(&str, Comparator); 7] = [
    ("!=", Comparator::Compare(Op::NotEqual)),
    ("<=", Comparator::Compare(Op::LessOrEqual)),
    (">=", Comparator::Compare(Op::GreaterOrEqual)),
    ("=", Comparator::Compare(Op::Equal)),
    ("<", Comparator::Compare(Op::Less)),
    (">", Comparator::Compare(Op::Greater)),
    (":", Comparator::Has),
];

/// Parses a whole filter; `None` is the empty one.
pub(super) fn parse(text: &str) -> Result<Option<Node>, FilterError> {
    if text.len() > FILTER_BYTES {
        let message = format!(
            "a filter has at most {FILTER_BYTES} bytes, this one has {}",
            text.len()
        );
        return Err(FilterError::new(FILTER_BYTES, message));
    }
    let mut parser = Parser {
        scanner: Scanner::new(text),
        terms: 0,
        depth: 0,
    };
    parser.scanner.skip_space();
    if parser.scanner.peek().is_none() {
        return Ok(None);
    }
    let node = parser.expression()?;
    // An expression ends before `)` and at the end only.
    if parser.scanner.peek().is_some() {
        return Err(FilterError::new(
            parser.scanner.position(),
            "this ) closes nothing",
        ));
    }
    Ok(Some(node))
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    terms: usize,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<Node, FilterError> {
        let mut factors = vec![self.factor()?];
        loop {
            self.scanner.skip_space();
            match self.scanner.peek() {
                None | Some(')') => return Ok(one_or(factors, Node::And)),
                Some(_) => {
                    self.scanner.eat_keyword("AND");
                    factors.push(self.factor()?);
                }
            }
        }
    }

    fn factor(&mut self) -> Result<Node, FilterError> {
        let mut terms = vec![self.term()?];
        loop {
            self.scanner.skip_space();
            if !self.scanner.eat_keyword("OR") {
                return Ok(one_or(terms, Node::Or));
            }
            terms.push(self.term()?);
        }
    }

    fn term(&mut self) -> Result<Node, FilterError> {
        self.scanner.skip_space();
        if self.scanner.eat("-") || self.scanner.eat_keyword("NOT") {
            self.scanner.skip_space();
            return Ok(Node::Not(Box::new(self.simple("a field or (")?)));
        }
        self.simple("a field, NOT, - or (")
    }

    /// Reads what one NOT can stand before; `expected` is for the error where there is none.
    fn simple(&mut self, expected: &str) -> Result<Node, FilterError> {
        let open = self.scanner.position();
        if !self.scanner.eat("(") {
            return self.restriction(expected).map(Node::Restriction);
        }
        if self.depth == FILTER_DEPTH {
            return Err(FilterError::new(
                open,
                format!("parentheses nest at most {FILTER_DEPTH} deep"),
            ));
        }
        self.depth += 1;
        let node = self.expression()?;
        self.depth -= 1;
        if !self.scanner.eat(")") {
            return Err(FilterError::new(open, "this ( is not closed"));
        }
        Ok(node)
    }

    fn restriction(&mut self, expected: &str) -> Result<Restriction, FilterError> {
        let path = self.path(expected)?;
        if self.terms == FILTER_TERMS {
            return Err(FilterError::new(
                path[0].position,
                format!("a filter has at most {FILTER_TERMS} terms"),
            ));
        }
        self.terms += 1;
        self.scanner.skip_space();
        let comparator_position = self.scanner.position();
        let comparator = self.comparator(&path)?;
        self.scanner.skip_space();
        let argument = self.argument()?;
        Ok(Restriction {
            path,
            comparator,
            comparator_position,
            argument,
        })
    }

    fn path(&mut self, expected: &str) -> Result<Vec<Word>, FilterError> {
        let at = self.scanner.position();
        let first = self.scanner.name();
        if first.text.is_empty() || is_keyword(&first.text) {
            let found = self.scanner.found(at);
            return Err(FilterError::new(at, format!("expected {expected}, {found}")));
        }
        let mut path = vec![first];
        while self.scanner.eat(".") {
            let at = self.scanner.position();
            let word = match self.scanner.quoted()? {
                Some(word) => word,
                None => self.scanner.name(),
            };
            if word.text.is_empty() {
                let found = self.scanner.found(at);
                let message = format!("expected a name or a quoted label key after the dot, {found}");
                return Err(FilterError::new(at, message));
            }
            path.push(word);
        }
        Ok(path)
    }

    fn comparator(&mut self, path: &[Word]) -> Result<Comparator, FilterError> {
        for (symbol, comparator) in COMPARATORS {
            if self.scanner.eat(symbol) {
                return Ok(comparator);
            }
        }
        let field = path
            .iter()
            .map(|word| word.text.as_str())
            .collect::<Vec<_>>()
            .join(".");
        let hint = match self.scanner.peek() {
            Some('-' | '/') => {
                r#"; a label key with other than letters, digits and _ is quoted: labels."a-b/c""#
            }
            _ if self.terms > 1 => "; a value with spaces is quoted",
            _ => "",
        };
        let (at, field) = (self.scanner.position(), quote(&field));
        let found = self.scanner.found(at);
        let message = format!("expected one of = != < <= > >= : after {field}, {found}{hint}");
        Err(FilterError::new(at, message))
    }

    fn argument(&mut self) -> Result<Word, FilterError> {
        let at = self.scanner.position();
        if let Some(word) = self.scanner.quoted()? {
            return Ok(word);
        }
        let word = self.scanner.bare_value();
        if word.text.is_empty() {
            let message = format!("expected a value, {}", self.scanner.found(at));
            return Err(FilterError::new(at, message));
        }
        if is_keyword(&word.text) {
            let found = self.scanner.found(at);
            let message = format!("expected a value, {found}, a keyword: quote it if it is meant");
            return Err(FilterError::new(at, message));
        }
        Ok(word)
    }
}

fn is_keyword(text: &str) -> bool {
    matches!(text, "AND" | "OR" | "NOT")
}

/// Wraps `nodes` unless there is just one.
fn one_or(mut nodes: Vec<Node>, wrap: fn(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => wrap(nodes),
    }
}
