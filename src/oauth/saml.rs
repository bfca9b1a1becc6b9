//! SAML assertions: the response of an organization's identity provider, in the forms that users can copy.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::sys::secret::Secret;

/// The form field in which a browser sends the assertion.
const FIELD: &str = "SAMLResponse=";

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Extracts the XML of an assertion from XML, base64 with any line breaks, or the form field of a browser's request.
/// Returns nothing if the text is none of these.
pub fn xml(text: &Secret) -> Option<Secret> {
    let text = text.expose().trim();
    if text.starts_with('<') {
        return is_saml(text).then(|| Secret::from(text.to_owned()));
    }
    let value = text.find(FIELD).map_or(text, |at| text.get(at + FIELD.len()..).unwrap_or_default());
    let value = value.split('&').next().unwrap_or_default();
    let mut base64 = Zeroizing::new(percent_decode_str(value).collect::<Vec<u8>>());
    base64.retain(|byte| !byte.is_ascii_whitespace());
    let mut bytes = Zeroizing::new(BASE64.decode(&*base64).ok()?);
    let xml = Secret::from(String::from_utf8(std::mem::take(&mut *bytes)).ok()?);
    is_saml(xml.expose().trim()).then_some(xml)
}

/// Whether this looks like a document whose root is a SAML response or assertion. Checks only its beginning and end.
fn is_saml(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(declaration) = rest.strip_prefix("<?") {
        rest = declaration.split_once("?>").map_or("", |(_, rest)| rest.trim_start());
    }
    let name = |tag: &str| tag.split(|c: char| c.is_whitespace() || c == '>').next().unwrap_or_default().to_owned();
    let root = rest.strip_prefix('<').map(name).unwrap_or_default();
    let is_root = ["Response", "Assertion"].contains(&root.rsplit(':').next().unwrap_or_default());
    is_root && rest.ends_with(&format!("</{root}>"))
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    const XML: &str = "<?xml version=\"1.0\"?>\n<samlp:Response ID=\"a\"><a>+/?~ \u{f6}</a></samlp:Response>";

    fn decoded(text: &str) -> Option<String> {
        xml(&Secret::from(text.to_owned())).map(|xml| xml.expose().to_owned())
    }

    #[test]
    fn an_assertion_is_found_in_every_form_that_a_browser_shows() {
        let base64 = BASE64_STANDARD.encode(XML);
        let lines =
            |end: &str| base64.as_bytes().chunks(8).map(|line| String::from_utf8_lossy(line) + end).collect::<String>();
        let encoded = base64.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
        for text in [
            XML.to_owned(),
            format!("\n {XML}\n"),
            base64.clone(),
            base64.trim_end_matches('=').to_owned(),
            lines("\n"),
            lines("\r\n"),
            lines(" "),
            encoded.clone(),
            format!("SAMLResponse={encoded}"),
            format!("SAMLResponse={base64}&RelayState=x"),
            format!("RelayState=x&SAMLResponse={encoded}&y=z"),
        ] {
            assert_eq!(decoded(&text).as_deref(), Some(XML), "{text}");
        }
        for root in ["<Assertion>a</Assertion>", "<saml2:Assertion\nx=\"y\">a</saml2:Assertion>"] {
            assert_eq!(decoded(root).as_deref(), Some(root));
        }
    }

    #[test]
    fn what_is_no_assertion_is_none() {
        let base64 = |text: &str| BASE64_STANDARD.encode(text);
        for text in [
            "",
            "SAMLResponse=",
            "password",
            "<html><body>SAMLResponse</body></html>",
            "<Response>",
            "<Response>cut off</Respon",
            "<?xml",
            &base64("no XML"),
            &base64("<html></html>"),
            &base64("<Response>\u{0}"),
            &XML.replace("Response", "AuthnRequest"),
            &base64(XML)[1..],
        ] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(strategies::config())]

        #[test]
        fn no_input_makes_it_panic(text in strategies::text(), damaged in strategies::damaged_text(XML)) {
            decoded(&text);
            decoded(&damaged);
            prop_assert!(decoded(&BASE64_STANDARD.encode(XML)).is_some());
        }
    }
}
