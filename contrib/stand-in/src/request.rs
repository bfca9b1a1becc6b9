//! Reads one HTTP request: a head, and a body with a `Content-Length`. Any other input is an error, never a panic, as
//! tests send garbage on purpose.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::SocketAddr;

use httparse::{EMPTY_HEADER, Status};

/// The maximum length of the head, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// The maximum length of the body, in bytes.
const MAX_BODY: usize = 1 << 20;

/// The maximum number of headers.
const MAX_HEADERS: usize = 64;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method, such as `POST`.
    pub method: String,
    /// The path and, if there is one, the query.
    pub target: String,
    /// Names and values in the order sent; the names keep their case.
    pub headers: Vec<(String, String)>,
    /// The body, not yet decoded.
    pub body: Vec<u8>,
    /// The client's end of the connection, by which a test finds the process that sent it.
    pub peer: Option<SocketAddr>,
}

impl Request {
    /// The first header with this name, in any case (RFC 9110, section 5.1).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The token of `Authorization: Bearer`.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query of the target, without the question mark.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The body as text, for an assertion or a message.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The decoded fields of the form in the body, in the order sent: a field that was sent twice is in the list twice.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The decoded fields of the form in the body, by name. If a field was sent twice, the last value counts.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        self.fields().into_iter().collect()
    }

    /// The form's `grant_type`: `password`, `refresh_token` or `client_credentials`; empty if there is none.
    #[must_use]
    pub fn grant(&self) -> String {
        self.form().remove("grant_type").unwrap_or_default()
    }

    /// Reads one request.
    ///
    /// # Errors
    /// `InvalidData` for input that is not HTTP, a body of unknown length, or a request that is too large; any other
    /// kind if the client left early or the connection failed.
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut received = Vec::new();
        let (mut request, head_length) = loop {
            if let Some(parsed) = Self::parse_head(&received)? {
                break parsed;
            }
            if received.len() > MAX_HEAD {
                return Err(invalid("a head that is too large"));
            }
            read_more(stream, &mut received)?;
        };
        request.body = received.split_off(head_length);
        let length = request.body_length()?;
        while request.body.len() < length {
            read_more(stream, &mut request.body)?;
        }
        request.body.truncate(length);
        Ok(request)
    }

    /// The request without its body, and the length of its head; `None` if the head is incomplete.
    fn parse_head(received: &[u8]) -> io::Result<Option<(Self, usize)>> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let Status::Complete(length) = parsed.parse(received).map_err(|error| invalid(error.to_string()))? else {
            return Ok(None);
        };
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(invalid);
        let headers = parsed.headers.iter().map(|header| Ok((header.name.to_owned(), text(header.value)?)));
        let request = Self {
            method: parsed.method.unwrap_or_default().to_owned(),
            target: parsed.path.unwrap_or_default().to_owned(),
            headers: headers.collect::<io::Result<_>>()?,
            body: Vec::new(),
            peer: None,
        };
        Ok(Some((request, length)))
    }

    fn body_length(&self) -> io::Result<usize> {
        if self.header("transfer-encoding").is_some() {
            return Err(invalid("a body of unknown length"));
        }
        let length = self.header("content-length").unwrap_or("0").parse().map_err(invalid)?;
        if length <= MAX_BODY { Ok(length) } else { Err(invalid("a body that is too large")) }
    }
}

/// Appends what one read returns, which may be nothing if a signal interrupts it.
fn read_more(stream: &mut impl Read, received: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(length) => {
            received.extend_from_slice(&chunk[..length]);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
        Err(error) => Err(error),
    }
}

fn invalid(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use super::{MAX_BODY, MAX_HEAD, Request};

    /// Delivers one byte per read, as a slow connection does.
    struct Dripping<'a>(&'a [u8]);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let length = buffer.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    #[test]
    fn a_request_has_its_headers_and_decoded_fields() {
        let sent = b"POST /token?q=1 HTTP/1.1\r\nContent-Length: 27\r\nAuthorization:  Bearer t \r\n\r\na=1+%26&b=%zz&a=%e2%82%ac&c and more";
        let request = Request::read(&mut &sent[..]).expect("a valid request");

        assert_eq!(
            (request.method.as_str(), request.target.as_str(), request.path()),
            ("POST", "/token?q=1", "/token")
        );
        assert_eq!((request.header("CONTENT-LENGTH"), request.bearer()), (Some("27"), Some("t")));
        let fields = [("a", "1 &"), ("b", "%zz"), ("a", "€"), ("c", "")];
        assert_eq!(request.fields(), fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(request.form()["a"], "€");
    }

    #[test]
    fn a_slow_request_is_read_to_its_end() {
        let sent = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na=12";
        let request = Request::read(&mut Dripping(sent)).expect("a valid request");
        assert_eq!(request.text(), "a=12");
    }

    #[test]
    fn a_request_that_ends_early_is_an_unexpected_end() {
        for sent in ["", "POST / HT", "POST / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na="] {
            let error = Request::read(&mut sent.as_bytes()).expect_err(sent);
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{sent:?}");
        }
    }

    #[test]
    fn garbage_is_an_error_at_its_first_invalid_byte() {
        let too_large = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
        let long_head = format!("POST /{}", "x".repeat(MAX_HEAD + 1));
        for sent in [
            &b"\x16\x03\x01 a TLS hello"[..],
            b"POST / HTTP/2.0\r\n",
            b"POST / HTTP/1.1\r\nno colon\r\n",
            b"POST / HTTP/1.1\r\nA: \xff\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            too_large.as_bytes(),
            long_head.as_bytes(),
        ] {
            let error = Request::read(&mut &sent[..]).expect_err("invalid input");
            assert_eq!(
                error.kind(),
                ErrorKind::InvalidData,
                "{:?}",
                String::from_utf8_lossy(&sent[..sent.len().min(60)])
            );
        }
    }
}
