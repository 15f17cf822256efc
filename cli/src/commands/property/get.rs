//! `wsk property get`: shows what is in force, and what the server says of itself. The only command that
//! prints the key.

use clap::{Args, ValueEnum};

use crate::commands::{Context, Run};
use crate::exit::{self, Failure};
use crate::settings::Settings;

const UNKNOWN: &str = "Unknown";

/// What to show; everything if nothing is named.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// Show everything
    #[arg(long)]
    all: bool,
    /// Show the client certificate
    #[arg(long)]
    cert: bool,
    /// Show the client certificate's key
    #[arg(long)]
    key: bool,
    /// Show the authorization key
    #[arg(short = 'u', long)]
    auth: bool,
    /// Show the API host
    #[arg(long)]
    apihost: bool,
    /// Show the API version
    #[arg(long)]
    apiversion: bool,
    /// Show the namespace of the authorization key
    #[arg(long)]
    namespace: bool,
    /// Show the version of this program
    #[arg(long)]
    cliversion: bool,
    /// Show the build of the server's API
    #[arg(long)]
    apibuild: bool,
    /// Show the build number of the server's API
    #[arg(long)]
    apibuildno: bool,
    /// With its name, or the bare value of a single property
    #[arg(short, long, value_enum, ignore_case = true, default_value_t = Form::Std)]
    output: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Std,
    Raw,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Certificate,
    PrivateKey,
    Auth,
    ApiHost,
    ApiVersion,
    Namespace,
    CliVersion,
    ApiBuild,
    ApiBuildNumber,
}

impl Property {
    /// The name with the tabs that line the values up.
    fn label(self) -> &'static str {
        match self {
            Self::Certificate => "client cert\t\t",
            Self::PrivateKey => "client key\t\t",
            Self::Auth => "whisk auth\t\t",
            Self::ApiHost => "whisk API host\t\t",
            Self::ApiVersion => "whisk API version\t",
            Self::Namespace => "whisk namespace\t\t",
            Self::CliVersion => "whisk CLI version\t",
            Self::ApiBuild => "whisk API build\t\t",
            Self::ApiBuildNumber => "whisk API build number\t",
        }
    }

    /// The value as far as it is known here; `None` if the server has to be asked.
    fn local(self, settings: &Settings) -> Option<String> {
        let file = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        match self {
            Self::Certificate => Some(file(&settings.certificate).unwrap_or_default()),
            Self::PrivateKey => Some(file(&settings.private_key).unwrap_or_default()),
            Self::Auth => {
                Some(settings.auth.as_ref().map(|auth| auth.expose().to_owned()).unwrap_or_default())
            }
            Self::ApiHost => Some(settings.host.clone().unwrap_or_default()),
            Self::ApiVersion => Some(settings.api_version.clone()),
            Self::CliVersion => Some(env!("CARGO_PKG_VERSION").to_owned()),
            Self::Namespace | Self::ApiBuild | Self::ApiBuildNumber => None,
        }
    }

    /// Whether enough is configured to ask the server.
    fn can_be_asked(self, settings: &Settings) -> bool {
        settings.host.is_some() && (self != Self::Namespace || settings.auth.is_some())
    }

    fn ask_server(self, context: &Context<'_>) -> Result<String, Failure> {
        let member = match self {
            Self::Namespace => {
                let listed = context.client()?.namespaces().list();
                let namespaces = listed.map_err(Failure::request("Unable to obtain the namespace"))?;
                return Ok(namespaces.into_iter().next().unwrap_or_default());
            }
            Self::ApiBuild => "build",
            _ => "buildno",
        };
        let info = context.anonymous_client()?.api_info();
        let info = info.map_err(Failure::request("Unable to obtain API build information"))?;
        Ok(info.member(member).and_then(|text| text.to_text()).unwrap_or_else(|| UNKNOWN.to_owned()))
    }
}

impl GetArgs {
    /// Without host or key, a survey of everything has blanks where a question for one thing fails.
    fn leaves_blank(&self, property: Property, settings: &Settings) -> bool {
        self.wants_everything() && !property.can_be_asked(settings)
    }

    fn wants_everything(&self) -> bool {
        self.all || self.flags().iter().all(|(wanted, _)| !wanted)
    }

    fn flags(&self) -> [(bool, Property); 9] {
        [
            (self.cert, Property::Certificate),
            (self.key, Property::PrivateKey),
            (self.auth, Property::Auth),
            (self.apihost, Property::ApiHost),
            (self.apiversion, Property::ApiVersion),
            (self.namespace, Property::Namespace),
            (self.cliversion, Property::CliVersion),
            (self.apibuild, Property::ApiBuild),
            (self.apibuildno, Property::ApiBuildNumber),
        ]
    }

    fn properties(&self) -> Result<Vec<Property>, Failure> {
        let everything = self.wants_everything();
        let wanted: Vec<Property> =
            self.flags().into_iter().filter(|(wanted, _)| everything || *wanted).map(|(_, p)| p).collect();
        match (self.output, wanted.len()) {
            (Form::Raw, 2..) => Err(Failure::usage("--output raw shows one property: name just one")),
            _ => Ok(wanted),
        }
    }
}

impl Run for GetArgs {
    /// Shows what can be known; then fails if the server did not tell something.
    fn run(self, context: &mut Context<'_>) -> Result<u8, Failure> {
        let mut failure = None;
        for property in self.properties()? {
            let value = match property.local(&context.settings) {
                Some(value) => value,
                None if self.leaves_blank(property, &context.settings) => String::new(),
                None => property.ask_server(context).unwrap_or_else(|error| {
                    failure.get_or_insert(error);
                    UNKNOWN.to_owned()
                }),
            };
            let out = context.out();
            match self.output {
                Form::Std => out.line(format_args!("{}{}", property.label(), out.bold(&value)))?,
                Form::Raw => out.line(value)?,
            }
        }
        failure.map_or(Ok(exit::OK), Err)
    }
}
