//! `multipart/form-data` (RFC 7578), part by part, as its bytes come.
//!
//! In: pieces of a body of any size. Out: heads of parts and pieces of what they hold. Never more
//! than one piece and one head are held, whatever is sent: that is why the parsers there are,
//! which gather what comes faster than it is taken, are not used. Deliberately absent: any IO.

mod head;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

pub(super) use self::head::Head;
use self::head::boundary;

/// The most that stands in front of a part's content: its header lines together.
const MAX_HEAD: usize = 16 << 10;
/// White space that may follow a boundary.
const MAX_PADDING: usize = 64;

/// What a body is not, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault(pub(super) String);

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A part begins.
    Part(Head),
    /// A piece of what it holds.
    Data(Bytes),
    /// The part ends.
    PartEnd,
    /// The last boundary has come; what follows means nothing.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Just behind a boundary.
    Boundary,
    Head,
    Content,
    End,
}

#[derive(Debug)]
pub(super) struct Multipart {
    /// `\r\n--` and the boundary.
    delimiter: Vec<u8>,
    buffer: BytesMut,
    state: State,
}

impl Multipart {
    /// Of a body with this `Content-Type`.
    pub(super) fn new(content_type: &str) -> Result<Self, Fault> {
        let boundary = boundary(content_type)?;
        // The first boundary may be the first line of all.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        Ok(Self { delimiter, buffer, state: State::Preamble })
    }

    /// The next piece of the body. `next` is called until it has nothing before the next one.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        if self.state != State::End {
            self.buffer.extend_from_slice(piece);
        }
    }

    /// Whether the last boundary has come.
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::End
    }

    /// What comes next; nothing where more of the body is needed.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Fault> {
        loop {
            match self.state {
                State::End => return Ok(None),
                State::Preamble => {
                    let Some(at) = memmem::find(&self.buffer, &self.delimiter) else {
                        self.keep_tail();
                        return Ok(None);
                    };
                    self.pass(at + self.delimiter.len(), State::Boundary);
                }
                State::Boundary => match self.behind_boundary()? {
                    Some(State::End) => {
                        self.buffer.clear();
                        self.state = State::End;
                        return Ok(Some(Event::End));
                    }
                    Some(next) => self.state = next,
                    None => return Ok(None),
                },
                State::Head => return self.head(),
                State::Content => return Ok(self.content()),
            }
        }
    }

    fn pass(&mut self, bytes: usize, next: State) {
        drop(self.buffer.split_to(bytes));
        self.state = next;
    }

    /// A delimiter may have begun at the end of what is there; nothing else is kept.
    fn keep_tail(&mut self) {
        let tail = self.delimiter.len() - 1;
        if self.buffer.len() > tail {
            drop(self.buffer.split_to(self.buffer.len() - tail));
        }
    }

    /// `--` ends the body; white space and a line break begin a part.
    fn behind_boundary(&mut self) -> Result<Option<State>, Fault> {
        if self.buffer.starts_with(b"--") {
            return Ok(Some(State::End));
        }
        let padding = self.buffer.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match &self.buffer[padding..] {
            [b'\r', b'\n', ..] => {
                drop(self.buffer.split_to(padding + 2));
                Ok(Some(State::Head))
            }
            [] | [b'\r'] if padding <= MAX_PADDING => Ok(None),
            [b'-'] if padding == 0 => Ok(None),
            _ => {
                let what = "behind a boundary of the form there is neither a line break nor --";
                Err(Fault(what.to_owned()))
            }
        }
    }

    fn head(&mut self) -> Result<Option<Event>, Fault> {
        let end = match self.buffer.starts_with(b"\r\n") {
            // A part without headers.
            true => Some((0, 2)),
            false => memmem::find(&self.buffer, b"\r\n\r\n").map(|at| (at, at + 4)),
        };
        match end {
            Some((end, after)) if end <= MAX_HEAD => {
                let head = Head::read(&self.buffer[..end])?;
                self.pass(after, State::Content);
                // A part that holds nothing ends where it begins, with no line break between.
                Ok(Some(Event::Part(head)))
            }
            None if self.buffer.len() <= MAX_HEAD => Ok(None),
            _ => Err(Fault(format!("the headers of a part are longer than {MAX_HEAD} bytes"))),
        }
    }

    fn content(&mut self) -> Option<Event> {
        match memmem::find(&self.buffer, &self.delimiter) {
            Some(0) => {
                self.pass(self.delimiter.len(), State::Boundary);
                Some(Event::PartEnd)
            }
            Some(at) => Some(Event::Data(self.buffer.split_to(at).freeze())),
            None => {
                let ready = (self.buffer.len() + 1).saturating_sub(self.delimiter.len());
                (ready > 0).then(|| Event::Data(self.buffer.split_to(ready).freeze()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"a b\"";

    /// Names, file names and contents, and whether the body ended; fed in pieces of one size.
    /// Parts by name, file name and content.
    type Parts = Vec<(String, String, Vec<u8>)>;

    fn read(body: &[u8], piece: usize) -> Result<(Parts, bool), Fault> {
        let mut multipart = Multipart::new(TYPE)?;
        let mut parts = Vec::new();
        for piece in body.chunks(piece) {
            multipart.feed(piece);
            while let Some(event) = multipart.next()? {
                match event {
                    Event::Part(head) => {
                        let name = head.filename.unwrap_or_default();
                        parts.push((head.name.unwrap_or_default(), name, Vec::new()));
                    }
                    Event::Data(data) => parts.last_mut().unwrap().2.extend_from_slice(&data),
                    Event::PartEnd | Event::End => {}
                }
            }
            assert!(multipart.buffer.len() <= MAX_HEAD + piece.len() + 100);
        }
        Ok((parts, multipart.has_ended()))
    }

    #[test]
    fn parts_are_the_same_however_the_bytes_come() {
        let body = b"before\r\n--a b  \r\nContent-Disposition: form-data; name=\"file\"; \
            filename=\"x\\\"y.csv\"\r\nContent-Type: text/csv\r\n\r\na,b\r\n\r\n--a\r\n1,2\r\n--a b\
            \r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--a b--\r\nafter";
        let wanted = vec![
            ("file".to_owned(), "x\"y.csv".to_owned(), b"a,b\r\n\r\n--a\r\n1,2".to_vec()),
            ("empty".to_owned(), String::new(), Vec::new()),
        ];
        for piece in 1..=body.len() {
            assert_eq!(read(body, piece), Ok((wanted.clone(), true)), "pieces of {piece}");
        }
        assert_eq!(read(&body[2..], 7).map(|(parts, _)| parts.len()), Ok(2));
        for cut in 1..body.len() - 7 {
            if let Ok((_, ended)) = read(&body[..cut], 5) {
                assert!(!ended, "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_form_is_refused_with_little_held() {
        let head = b"--a b\r\nContent-Disposition: form-data; name=\"file\"\r\nx: ".to_vec();
        let long = [head, vec![b'y'; 1 << 20]].concat();
        assert!(read(&long, 4096).unwrap_err().0.contains("longer than 16384 bytes"));
        assert!(read(b"--a bx\r\n", 3).is_err());
        let padded = [b"--a b".to_vec(), vec![b' '; 1000]].concat();
        assert!(read(&padded, 10).is_err());
        assert_eq!(read(&vec![b'z'; 1 << 20], 1000), Ok((Vec::new(), false)));
        for wrong in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\r\"",
        ] {
            assert!(Multipart::new(wrong).is_err(), "{wrong}");
        }
    }
}
