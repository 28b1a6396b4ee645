use super::StripError;

/// Reads a file from front to back; running out of bytes is an error.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` begins in the file, for error messages.
    base: usize,
    format: &'static str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(format: &'static str, bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, base: 0, format }
    }

    pub(super) fn fail<T>(&self, what: &'static str) -> Result<T, StripError> {
        Err(StripError { format: self.format, at: self.base + self.at, what })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], StripError> {
        let taken = self.at.checked_add(length).and_then(|end| self.bytes.get(self.at..end));
        match taken {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => self.fail("it ends too early"),
        }
    }

    /// A reader of the next `length` bytes only, which this one then stands behind.
    pub(super) fn part(&mut self, length: usize) -> Result<Reader<'a>, StripError> {
        let base = self.base + self.at;
        Ok(Reader { bytes: self.take(length)?, at: 0, base, format: self.format })
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], StripError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, StripError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// What is left, without moving on.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn expect(&mut self, magic: &[u8], what: &'static str) -> Result<(), StripError> {
        if !self.rest().starts_with(magic) {
            return self.fail(what);
        }
        self.at += magic.len();
        Ok(())
    }
}
