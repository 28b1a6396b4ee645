//! Values of RTMP's commands (AMF 0), as much of them as takes part in playing a stream. Pure.

/// Objects within objects, at most.
const DEEPEST: usize = 8;
/// Values of one command, at most, counting those within others.
const MOST: usize = 1_000;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Flag(bool),
    Object(Vec<(String, Value)>),
    /// Null, and what nobody asks for.
    Null,
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// All values of a command. What is not understood, and what follows it, is left out.
pub fn read(bytes: &[u8]) -> Vec<Value> {
    let mut reader = Reader { rest: bytes, left: MOST };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        let Some(value) = reader.value(0) else { break };
        values.push(value);
    }
    values
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn name(&mut self) -> Option<String> {
        let length = u16::from_be_bytes(self.number()?);
        Some(String::from_utf8_lossy(self.take(length.into())?).into_owned())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEEPEST {
            return None;
        }
        Some(match self.number::<1>()?[0] {
            0 => Value::Number(f64::from_be_bytes(self.number()?)),
            1 => Value::Flag(self.number::<1>()?[0] != 0),
            2 => Value::Text(self.name()?),
            3 => self.members(depth)?,
            5 | 6 => Value::Null,
            8 => {
                self.take(4)?;
                self.members(depth)?
            }
            10 => {
                let count = u32::from_be_bytes(self.number()?);
                for _ in 0..count {
                    self.value(depth + 1)?;
                }
                Value::Null
            }
            11 => {
                self.take(10)?;
                Value::Null
            }
            12 => {
                let length = u32::from_be_bytes(self.number()?);
                let text = self.take(usize::try_from(length).ok()?)?;
                Value::Text(String::from_utf8_lossy(text).into_owned())
            }
            _ => return None,
        })
    }

    fn members(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        loop {
            if let Some(rest) = self.rest.strip_prefix(&[0, 0, 9]) {
                self.rest = rest;
                return Some(Value::Object(members));
            }
            let name = self.name()?;
            members.push((name, self.value(depth + 1)?));
        }
    }
}

pub fn write(values: &[Value]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        put(&mut bytes, value);
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            bytes.push(0);
            bytes.extend(number.to_be_bytes());
        }
        Value::Flag(flag) => bytes.extend([1, u8::from(*flag)]),
        Value::Text(text) => {
            bytes.push(2);
            put_name(bytes, text);
        }
        Value::Object(members) => {
            bytes.push(3);
            for (name, value) in members {
                put_name(bytes, name);
                put(bytes, value);
            }
            bytes.extend([0, 0, 9]);
        }
        Value::Null => bytes.push(5),
    }
}

/// What we write is short: URLs are.
fn put_name(bytes: &mut Vec<u8>, name: &str) {
    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
    bytes.extend(length.to_be_bytes());
    bytes.extend(&name.as_bytes()[..length.into()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_command_there_and_back() {
        let command = [
            Value::Text("onStatus".into()),
            Value::Number(0.0),
            Value::Null,
            Value::Object(vec![
                ("level".into(), Value::Text("status".into())),
                ("nested".into(), Value::Object(vec![("flag".into(), Value::Flag(true))])),
            ]),
        ];
        assert_eq!(read(&write(&command)), command);
        assert_eq!(command[3].member("level").and_then(Value::text), Some("status"));
        // An array with names, a plain one, a date, a long text, and what nobody knows.
        let bytes = [
            &b"\x08\0\0\0\x01\0\x01a\x05\0\0\x09"[..],
            b"\x0a\0\0\0\x02\x05\x05",
            &[11; 11],
            b"\x0c\0\0\0\x01x",
            b"\x20\x05",
        ];
        let read = read(&bytes.concat());
        assert_eq!(read[0], Value::Object(vec![("a".into(), Value::Null)]));
        assert_eq!(read[1..], [Value::Null, Value::Null, Value::Text("x".into())]);
    }

    #[test]
    fn what_is_made_to_hurt_ends() {
        assert!(read(&b"\x03\0\x01a".repeat(100_000)).is_empty());
        assert!(read(b"\x0a\xff\xff\xff\xff\x05\x05").is_empty());
        assert_eq!(read(&[5; 5000]).len(), MOST);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }
    }
}
