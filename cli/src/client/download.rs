//! Fetches a file from anywhere on the web, with no credential. Follows redirects, as the API's calls do not.

use super::{ClientConfig, Error, transport};

const REDIRECTS: u32 = 5;

/// The contents of an `http(s)` address.
///
/// # Errors
/// When no answer came, or one that is no success.
pub fn download(url: &str) -> Result<Vec<u8>, Error> {
    let failed = |source: ureq::Error| Error::Network { url: url.to_owned(), source: Box::new(source) };
    let agent = transport::agent(&ClientConfig::new(url), url)?;
    let request = ureq::http::Request::get(url).body(()).map_err(|error| failed(error.into()))?;
    let request = agent.configure_request(request).max_redirects(REDIRECTS).build();
    let answer = agent.run(request).map_err(failed)?;
    let status = answer.status().as_u16();
    if !answer.status().is_success() {
        return Err(Error::Unexplained { status });
    }
    answer.into_body().with_config().limit(u64::MAX).read_to_vec().map_err(failed)
}
