//! Objects as they are written (ISO 32000-1, 7.2 and 7.3), read far enough to know that they are whole.

use super::super::source::{Source, Stop};
use super::{ends_name, is_white, names};

/// Objects nest no deeper in honest files.
const DEEPEST: usize = 64;
/// Longer objects are not read to their end. What is packed into streams is not read here at all.
const LONGEST: u64 = 4 << 20;

/// Why an object could not be read.
pub(super) enum Bad {
    Stop(Stop),
    /// It breaks a rule here.
    Broken(u64, &'static str),
    /// It is longer than anything that is read here.
    Long,
}

impl From<Stop> for Bad {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Truncated(at) => Self::Broken(at, "the file ends within an object"),
            other => Self::Stop(other),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Names and their values, in order.
    Dictionary(Vec<(Vec<u8>, Value)>),
    Array(Vec<Value>),
    /// Number and generation of another object.
    Reference(u64, u64),
    Whole(u64),
    Name(Vec<u8>),
    Other,
}

impl Value {
    /// The entry of a dictionary; of a name that is there twice the last one, as readers take it.
    pub(super) fn entry(&self, name: &[u8]) -> Option<&Self> {
        let Self::Dictionary(entries) = self else { return None };
        entries.iter().rfind(|(other, _)| other == name).map(|(_, value)| value)
    }
}

#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Open(&'static str),
    Close(&'static str),
    Name(Vec<u8>),
    Text,
    /// A number or a keyword.
    Word(Vec<u8>),
}

pub(super) struct Reader<'s, 'a> {
    pub(super) source: &'s mut Source<'a>,
    begin: u64,
}

impl<'s, 'a> Reader<'s, 'a> {
    pub(super) fn at(source: &'s mut Source<'a>, at: u64) -> Result<Self, Bad> {
        source.seek(at)?;
        Ok(Self { source, begin: at })
    }

    fn broken<T>(&self, why: &'static str) -> Result<T, Bad> {
        Err(Bad::Broken(self.source.position(), why))
    }

    fn peek(&mut self) -> Result<u8, Bad> {
        if self.source.position() - self.begin > LONGEST {
            return Err(Bad::Long);
        }
        Ok(self.source.fill()?[0])
    }

    /// Steps over what stands before the next token, which may then be as long as any; false where there is none.
    pub(super) fn goes_on(&mut self) -> Result<bool, Bad> {
        self.begin = self.source.position();
        let mut in_comment = false;
        while self.source.remaining() > 0 {
            match self.source.fill()?[0] {
                b'\r' | b'\n' => in_comment = false,
                b'%' => in_comment = true,
                byte if in_comment || is_white(byte) => {}
                _ => {
                    self.begin = self.source.position();
                    return Ok(true);
                }
            }
            self.source.consume(1);
        }
        Ok(false)
    }

    pub(super) fn token(&mut self) -> Result<Token, Bad> {
        loop {
            match self.peek()? {
                b'%' => {
                    while !matches!(self.peek()?, b'\r' | b'\n') {
                        self.source.consume(1);
                    }
                }
                white if is_white(white) => self.source.consume(1),
                _ => break,
            }
        }
        let first = self.source.byte()?;
        Ok(match first {
            b'[' => Token::Open("]"),
            b']' => Token::Close("]"),
            b'<' if self.peek()? == b'<' => {
                self.source.consume(1);
                Token::Open(">>")
            }
            b'>' if self.peek()? == b'>' => {
                self.source.consume(1);
                Token::Close(">>")
            }
            b'<' => loop {
                match self.peek()? {
                    b'>' => {
                        self.source.consume(1);
                        break Token::Text;
                    }
                    byte if byte.is_ascii_hexdigit() || is_white(byte) => self.source.consume(1),
                    _ => return self.broken("a string of digits that holds something else"),
                }
            },
            b'(' => self.text()?,
            b'/' => Token::Name(names::decode(&self.word(Vec::new())?)),
            b')' | b'>' | b'{' | b'}' => return self.broken("a bracket that closes nothing"),
            other => Token::Word(self.word(vec![other])?),
        })
    }

    fn word(&mut self, mut word: Vec<u8>) -> Result<Vec<u8>, Bad> {
        while self.source.remaining() > 0 && !ends_name(self.peek()?) {
            word.push(self.source.byte()?);
        }
        Ok(word)
    }

    /// The rest of a string, whose brackets are in pairs.
    fn text(&mut self) -> Result<Token, Bad> {
        let mut open = 1;
        while open > 0 {
            self.peek()?;
            match self.source.byte()? {
                b'\\' => drop(self.source.byte()?),
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
        }
        Ok(Token::Text)
    }

    pub(super) fn whole(&mut self) -> Result<u64, Bad> {
        match self.token()? {
            Token::Word(word) => whole(&word).map_or_else(|| self.broken("no number where one must be"), Ok),
            _ => self.broken("no number where one must be"),
        }
    }

    /// The one value before a keyword, and the keyword.
    pub(super) fn value(&mut self, keywords: &[&str]) -> Result<(Value, Vec<u8>), Bad> {
        let (mut values, keyword) = self.values(Err(keywords), 0)?;
        match (values.pop(), values.is_empty()) {
            (Some(value), true) => Ok((value, keyword)),
            _ => self.broken("an object that is not one value"),
        }
    }

    /// Values up to what closes them: a bracket, or one of some keywords.
    fn values(&mut self, until: Result<&str, &[&str]>, depth: usize) -> Result<(Vec<Value>, Vec<u8>), Bad> {
        if depth > DEEPEST {
            return self.broken("objects within objects without end");
        }
        let mut values = Vec::new();
        loop {
            match self.token()? {
                Token::Close(bracket) if until == Ok(bracket) => return Ok((values, Vec::new())),
                Token::Close(_) => return self.broken("a bracket that closes nothing"),
                Token::Open(bracket) => {
                    let (inner, _) = self.values(Ok(bracket), depth + 1)?;
                    values.push(if bracket == "]" { Value::Array(inner) } else { self.dictionary(inner)? });
                }
                Token::Name(name) => values.push(Value::Name(name)),
                Token::Text => values.push(Value::Other),
                Token::Word(word) if word == b"R" => match (values.pop(), values.pop()) {
                    (Some(Value::Whole(generation)), Some(Value::Whole(number))) => {
                        values.push(Value::Reference(number, generation));
                    }
                    _ => return self.broken("a reference without its numbers"),
                },
                Token::Word(word) => match until {
                    Err(keywords) if keywords.iter().any(|keyword| keyword.as_bytes() == word) => {
                        return Ok((values, word));
                    }
                    _ if is_plain(&word) => values.push(whole(&word).map_or(Value::Other, Value::Whole)),
                    _ => return self.broken("a word that means nothing"),
                },
            }
        }
    }

    fn dictionary(&self, values: Vec<Value>) -> Result<Value, Bad> {
        let mut entries = Vec::with_capacity(values.len() / 2);
        let mut values = values.into_iter();
        while let Some(name) = values.next() {
            match (name, values.next()) {
                (Value::Name(name), Some(value)) => entries.push((name, value)),
                _ => return self.broken("a dictionary that is not names with their values"),
            }
        }
        Ok(Value::Dictionary(entries))
    }
}

fn whole(word: &[u8]) -> Option<u64> {
    let digits = (1..=19).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    digits.then(|| std::str::from_utf8(word).ok()?.parse().ok()).flatten()
}

/// A number (7.3.3) or one of the three words that are values.
fn is_plain(word: &[u8]) -> bool {
    let number = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    let digits = number.iter().filter(|b| b.is_ascii_digit()).count();
    let points = number.iter().filter(|b| **b == b'.').count();
    matches!(word, b"true" | b"false" | b"null")
        || digits > 0 && points < 2 && digits + points == number.len()
}
