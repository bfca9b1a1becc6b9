//! Just enough of HTTP/1.1 to hear one request: a head, and a body with a `Content-Length`. Every other input is an
//! error value, never a panic: tests send garbage on purpose.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};

/// The most that one request may measure, in bytes, head and body together. A token request measures some hundred.
const MAX_REQUEST: u64 = 1 << 20;

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST` for both grants.
    pub method: String,
    /// The request's target as sent: the path and, where there is one, the query.
    pub target: String,
    /// Names and values in the order sent; the names keep their case.
    pub headers: Vec<(String, String)>,
    /// The body, still percent-encoded.
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of this name, in whatever case (RFC 9110, section 5.1).
    pub fn header(&self, name: &str) -> Option<&str> {
        find_header(&self.headers, name)
    }

    /// The token that was sent as `Authorization: Bearer`.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// The body as text, for an assertion or a message.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body's form fields, decoded, in the order sent: a field that was sent twice stands here twice.
    pub fn fields(&self) -> Vec<(String, String)> {
        self.body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()).map(decode_pair).collect()
    }

    /// The body's form fields by name, decoded. Of a field that was sent twice the last value counts.
    pub fn form(&self) -> BTreeMap<String, String> {
        self.fields().into_iter().collect()
    }

    /// The form's `grant_type`: `password`, `refresh_token` or `client_credentials`; empty where there is none.
    pub fn grant(&self) -> String {
        self.form().remove("grant_type").unwrap_or_default()
    }
}

/// Reads one request.
///
/// # Errors
/// `InvalidData` for what is not HTTP, has a body of unknown or excessive length, or is not UTF-8 in its head;
/// any other kind when the peer left early or the connection failed.
pub fn read_request(stream: &mut impl Read) -> io::Result<Request> {
    let mut input = BufReader::new(stream.take(MAX_REQUEST));
    let (method, target) = request_line(&read_line(&mut input)?)?;
    let headers = read_headers(&mut input)?;
    let mut body = vec![0; body_length(&headers)?];
    input.read_exact(&mut body)?;
    Ok(Request { method, target, headers, body })
}

fn find_header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// One line of the head without its line end. The end of the input inside the head means that the peer left.
fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(text) => Ok(text.strip_suffix('\r').unwrap_or(text).to_owned()),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn request_line(line: &str) -> io::Result<(String, String)> {
    let mut words = line.split(' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) => Ok((method.to_owned(), target.to_owned())),
        _ => Err(invalid("not a request line")),
    }
}

fn read_headers(input: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = read_line(input)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header without a colon"))?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

fn body_length(headers: &[(String, String)]) -> io::Result<usize> {
    if find_header(headers, "transfer-encoding").is_some() {
        return Err(invalid("a body of unknown length"));
    }
    let Some(length) = find_header(headers, "content-length") else {
        return Ok(0);
    };
    match length.parse() {
        Ok(length) if length as u64 <= MAX_REQUEST => Ok(length),
        _ => Err(invalid("a body of unacceptable length")),
    }
}

fn decode_pair(pair: &[u8]) -> (String, String) {
    let mut halves = pair.splitn(2, |&byte| byte == b'=');
    let name = halves.next().unwrap_or_default();
    let value = halves.next().unwrap_or_default();
    (decode(name), decode(value))
}

/// Undoes `application/x-www-form-urlencoded`: `+` is a space. What is no valid escape stays as it was sent, so that
/// an assertion shows it.
fn decode(mut encoded: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    while let Some((&first, rest)) = encoded.split_first() {
        let (byte, rest) = match (first, escape(rest)) {
            (b'%', Some(escaped)) => escaped,
            (b'+', _) => (b' ', rest),
            _ => (first, rest),
        };
        bytes.push(byte);
        encoded = rest;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The byte that two hexadecimal digits stand for, and what follows them.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = text.split_first_chunk()?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(high)? * 16 + digit(low)?;
    Some((u8::try_from(value).ok()?, rest))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
