//! What the URL of a web action says: whose action it is, which one, and in which form its answer is wanted.
//! Whether there is such an action is not known here.

use percent_encoding::percent_decode_str;
use whirl_model::ActionPath;

/// The package segment of actions that are in none.
const DEFAULT_PACKAGE: &str = "default";

/// The form that an answer is wanted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// The action says status, headers and body itself.
    Http,
    /// The whole result.
    Json,
    /// A page.
    Html,
    /// A drawing.
    Svg,
    /// Plain text.
    Text,
}

impl Extension {
    const ALL: [(&str, Extension); 5] = [
        (".http", Self::Http),
        (".json", Self::Json),
        (".html", Self::Html),
        (".svg", Self::Svg),
        (".text", Self::Text),
    ];

    /// Cuts the extension off a name; without one that is known the form is [`Extension::Http`].
    fn cut(name: &str) -> (&str, Self) {
        let cut = |(suffix, extension)| Some((name.strip_suffix(suffix)?, extension));
        Self::ALL.into_iter().find_map(cut).unwrap_or((name, Self::Http))
    }
}

/// What a web action's URL is made of: `NAMESPACE/PACKAGE/NAME[.EXTENSION][/PATH]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segments {
    /// Decoded.
    pub(crate) namespace: String,
    /// Decoded.
    pub(crate) package: String,
    /// Decoded, with its extension.
    pub(crate) name: String,
    /// What follows, with its leading slash, as the client encoded it; or nothing.
    pub(crate) path: String,
}

impl Segments {
    /// Reads what a URL has below `…/web/`. `None` if there are fewer segments than three.
    pub(crate) fn read(below: &str) -> Option<Self> {
        let mut segments = below.splitn(3, '/');
        let [namespace, package, rest] = [segments.next()?, segments.next()?, segments.next()?];
        Some(Self { namespace: decode(namespace), ..Self::in_namespace(package, rest) })
    }

    fn in_namespace(package: &str, rest: &str) -> Self {
        let (name, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self { namespace: String::new(), package: decode(package), name: decode(name), path: path.to_owned() }
    }

    /// Reads a path whose namespace is told by the host: `/PACKAGE/NAME…`. `/` is the page `public/index.html`.
    /// `None` if there are fewer segments than two.
    pub(crate) fn of_host(namespace: &str, path: &str) -> Option<Self> {
        let below = if path == "/" { "public/index.html" } else { path.strip_prefix('/')? };
        let (package, rest) = below.split_once('/')?;
        Some(Self { namespace: namespace.to_owned(), ..Self::in_namespace(package, rest) })
    }
}

/// Characters that are no UTF-8 are no name either.
fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The action that a URL names, and the form of its answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where the action is, or a binding of its package.
    pub(crate) action: ActionPath,
    /// The form.
    pub(crate) extension: Extension,
}

impl Target {
    /// Of the three segments, decoded. `None` if one of them is no name.
    pub(crate) fn of(namespace: &str, package: &str, name: &str) -> Option<Self> {
        let (name, extension) = Extension::cut(name);
        let package = match package {
            DEFAULT_PACKAGE => None,
            package => Some(package.parse().ok()?),
        };
        let action = ActionPath { namespace: namespace.parse().ok()?, package, name: name.parse().ok()? };
        Some(Self { action, extension })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(namespace: &str, package: &str, name: &str, path: &str) -> Option<Segments> {
        let [namespace, package, name, path] = [namespace, package, name, path].map(str::to_owned);
        Some(Segments { namespace, package, name, path })
    }

    #[test]
    fn paths_have_three_segments_and_a_rest() {
        for (below, read) in [
            ("ns/p/a.json", segments("ns", "p", "a.json", "")),
            ("ns/p/a/", segments("ns", "p", "a", "/")),
            ("ns/p/a.http/x/y%20z//", segments("ns", "p", "a.http", "/x/y%20z//")),
            ("ns%40x/p/two%20words.text", segments("ns@x", "p", "two words.text", "")),
            ("ns/p/a%2Fb", segments("ns", "p", "a/b", "")),
            ("ns/p", None),
            ("", None),
        ] {
            assert_eq!(Segments::read(below), read, "{below}");
        }
    }

    #[test]
    fn hosts_of_a_namespace_have_two_segments_and_a_rest() {
        for (path, read) in [
            ("/", segments("ns", "public", "index.html", "")),
            ("/p/a.svg", segments("ns", "p", "a.svg", "")),
            ("/p/a/b/c", segments("ns", "p", "a", "/b/c")),
            ("/p", None),
            ("", None),
        ] {
            assert_eq!(Segments::of_host("ns", path), read, "{path}");
        }
    }

    #[test]
    fn five_extensions_are_known() {
        for (package, name, action, extension) in [
            ("default", "a", "ns/a", Extension::Http),
            ("default", "a.http", "ns/a", Extension::Http),
            ("default", "a.json", "ns/a", Extension::Json),
            ("default", "a.html", "ns/a", Extension::Html),
            ("default", "a.svg", "ns/a", Extension::Svg),
            ("p", "a.text", "ns/p/a", Extension::Text),
            ("p", "a.b", "ns/p/a.b", Extension::Http),
            ("p", "a.json.html", "ns/p/a.json", Extension::Html),
            ("p", "a.JSON", "ns/p/a.JSON", Extension::Http),
            ("p", "ajson", "ns/p/ajson", Extension::Http),
        ] {
            let target = Target::of("ns", package, name);
            assert_eq!(target, Some(Target { action: action.parse().unwrap(), extension }), "{name}");
        }
        for (namespace, package, name) in [
            ("_!", "p", "a"),
            ("ns", "", "a"),
            ("ns", "p", ".json"),
            ("ns", "p", "a/b"),
            ("ns", "p", "\u{fffd}"),
        ] {
            assert_eq!(Target::of(namespace, package, name), None, "{namespace} {package} {name}");
        }
    }
}
