use crate::decode::{self, About, Format, Still};
use crate::fault::Fault;
use lazaret_sandbox::Budget;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// One file, and what is known of it so far.
pub(crate) struct Job {
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) media_type: String,
    bytes: Option<Rc<[u8]>>,
    still: Option<Rc<Still>>,
    /// Of a picture of one frame that was decoded without a flaw, also once its pixels are gone.
    whole: Option<About>,
}

impl Job {
    pub(crate) fn new(file: File, size: u64, media_type: &str) -> Self {
        Self { file, size, media_type: media_type.to_owned(), bytes: None, still: None, whole: None }
    }

    pub(crate) fn format(&self) -> Result<Format, Fault> {
        Format::of(&self.media_type).ok_or_else(|| {
            Fault::Unsupported("media.unsupported", format!("{} is not decoded here", self.media_type))
        })
    }

    /// The whole file. A picture is never larger than what the limits let in.
    pub(crate) fn bytes(&mut self) -> Result<Rc<[u8]>, Fault> {
        if let Some(bytes) = &self.bytes {
            return Ok(Rc::clone(bytes));
        }
        let length = usize::try_from(self.size).map_err(|e| Fault::Memory(e.to_string()))?;
        let mut bytes: Rc<[u8]> = std::iter::repeat_n(0, length).collect();
        if let Some(fresh) = Rc::get_mut(&mut bytes) {
            self.file.read_exact_at(fresh, 0)?;
        }
        self.bytes = Some(Rc::clone(&bytes));
        Ok(bytes)
    }

    /// The decoded picture if it has one frame and was decoded before.
    pub(crate) fn still(&self) -> Option<Rc<Still>> {
        self.still.clone()
    }

    pub(crate) fn keep(&mut self, still: Rc<Still>) {
        self.whole = still.flaw.is_none().then(|| still.about.clone());
        self.still = Some(still);
    }

    /// What is known of a picture of one frame that was decoded without a flaw.
    pub(crate) fn whole(&self) -> Option<About> {
        self.whole.clone()
    }

    /// The pixels are not needed any more, and what comes next takes as much memory: pages that were touched once are
    /// cheaper than new ones.
    pub(crate) fn let_go(&mut self) {
        self.still = None;
    }

    /// The pixels of a picture of one frame, to be written over. They are not copied where nobody else holds them; who
    /// asks for the picture again decodes it again.
    pub(crate) fn give_up(&mut self, still: Rc<Still>) -> Vec<u8> {
        self.still = None;
        match Rc::try_unwrap(still) {
            Ok(still) => still.into_pixels(),
            Err(still) => still.view().pixels.to_vec(),
        }
    }

    /// Decodes a picture of one frame, once; `None` if it is animated.
    pub(crate) fn decode_still(&mut self, budget: &Budget) -> Result<Option<Rc<Still>>, Fault> {
        if let Some(still) = self.still() {
            return Ok(Some(still));
        }
        let (format, bytes) = (self.format()?, self.bytes()?);
        let mut source = decode::open(format, &bytes, budget)?;
        if source.about().animated {
            return Ok(None);
        }
        let still = Rc::new(Still::decode(source.as_mut())?);
        self.keep(Rc::clone(&still));
        Ok(Some(still))
    }
}
