//! What is typed.

use std::path::PathBuf;

use canarytrace_model::stack::Span;
use clap::{Args, Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "canarytrace",
    version,
    about = "Synthetic monitoring: real browsers watch your web application",
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one check now: a list of URLs, or a script
    Run(Box<RunArguments>),
    /// Start store, API, web UI and scheduler on one port
    Serve(ServeArguments),
    /// Judge what runs have left, and tell who should know
    Listen(ListenArguments),
    /// Try rules on what is stored already, or look for mistakes in them
    Rules(RulesArguments),
    /// Try the channels that notices go to
    Notify(NotifyArguments),
    /// Availability and vitality of a day, week or month, as a page
    Report(ReportArguments),
    /// Start a demo shop, the whole stack, and monitors that watch it
    Demo(DemoArguments),
    /// Write a repository of monitors to start from
    Init(InitArguments),
    /// Check a canarytrace.yaml without a browser
    Check(CheckArguments),
    /// Tell whether two sets of repeated runs differ, or only wobble
    Compare(CompareArguments),
    /// Look after the files of an embedded store that is not in use
    Store(StoreArguments),
    /// Say who may log in to a server
    User(UserArguments),
    /// Prepare an Elasticsearch or OpenSearch cluster: index templates
    Setup(SetupArguments),
    /// The child of `run` that drives the browser
    #[command(hide = true)]
    Runner,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: canarytrace init monitors && cd monitors && canarytrace check")]
pub(crate) struct InitArguments {
    /// Where to write it
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: canarytrace user add anna --role admin < password.txt")]
pub(crate) struct UserArguments {
    #[command(subcommand)]
    pub(crate) command: UserCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum UserCommand {
    /// Add a user, or give one another password and role; the password is the first line of standard input
    Add {
        name: String,
        /// viewer, editor, admin or ingest
        #[arg(long, default_value = "viewer")]
        role: String,
        /// The folder that is given to `canarytrace serve`
        #[arg(long, value_name = "DIR", default_value = "./canarytrace-data")]
        data: PathBuf,
    },
    /// Names and roles
    List {
        /// The folder that is given to `canarytrace serve`
        #[arg(long, value_name = "DIR", default_value = "./canarytrace-data")]
        data: PathBuf,
    },
    /// Take a user away
    Remove {
        name: String,
        /// The folder that is given to `canarytrace serve`
        #[arg(long, value_name = "DIR", default_value = "./canarytrace-data")]
        data: PathBuf,
    },
}

#[derive(Args, Debug)]
pub(crate) struct StoreArguments {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum StoreCommand {
    /// Read every file and compare its checksum (exit 1: something is damaged)
    Verify {
        /// The folder that was given to `canarytrace serve`
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Make indices again from the documents they hold (exit 1: some could not be read)
    Rebuild {
        /// The folder that was given to `canarytrace serve`
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Names of indices [default: those that are damaged]
        indices: Vec<String>,
    },
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example: canarytrace run https://shop.example/ --store http://127.0.0.1:9200"
)]
pub(crate) struct RunArguments {
    /// URLs to check (the same as MODE=smoke BASE_URL="a;b")
    pub(crate) urls: Vec<String>,
    /// A monitor script, or a pattern of several (the same as MODE=user-journey SPEC=FILE)
    #[arg(long, value_name = "FILE", conflicts_with = "urls")]
    pub(crate) script: Option<String>,
    /// Base URL of the script
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Clone this repository first; FILE is then relative to the clone
    #[arg(long, value_name = "URL", requires = "script")]
    pub(crate) git: Option<String>,
    /// Branch, tag or commit to check out
    #[arg(long, value_name = "REV", requires = "git")]
    pub(crate) revision: Option<String>,
    /// A canarytrace.yaml
    #[arg(long, value_name = "FILE", requires = "monitor", conflicts_with_all = ["urls", "script"])]
    pub(crate) config: Option<PathBuf>,
    /// The monitor of --config to run
    #[arg(long, value_name = "ID", requires = "config")]
    pub(crate) monitor: Option<String>,
    /// Elasticsearch, OpenSearch or canarytrace server to send documents to
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Parent of run directories [default: ./canarytrace-runs]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// auto, the path of a browser, or http://HOST:PORT of a WebDriver end-point
    #[arg(long, value_name = "auto|PATH|URL")]
    pub(crate) browser: Option<String>,
    /// Show the browser
    #[arg(long)]
    pub(crate) headed: bool,
    /// Wait at each failed step until Enter is pressed
    #[arg(long)]
    pub(crate) pause_on_failure: bool,
    /// End the run after this, such as 90s
    #[arg(long, value_parser = Span::parse)]
    pub(crate) timeout: Option<Span>,
    /// A label of every document (repeatable)
    #[arg(long = "label", value_name = "TEXT")]
    pub(crate) labels: Vec<String>,
    /// Any variable of the reference (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    /// Print run.json as the last line
    #[arg(long)]
    pub(crate) json: bool,
    /// Do it so often, each time in a fresh browser, and tell median and spread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) repeat: u32,
    /// The id the run is to have
    #[arg(long, hide = true)]
    pub(crate) uuid: Option<String>,
    /// Speak the scheduler's protocol on the standard streams
    #[arg(long, hide = true)]
    pub(crate) controlled: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Example: canarytrace serve --config canarytrace.yaml --data ./canarytrace-data"
)]
pub(crate) struct ServeArguments {
    /// Address and port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9200")]
    pub(crate) listen: std::net::SocketAddr,
    /// Folder of the store, attachments and runs
    #[arg(long, value_name = "DIR", default_value = "./canarytrace-data")]
    pub(crate) data: PathBuf,
    /// Monitors to schedule; picked up again when it changes
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Read from and write to this cluster instead of the embedded store
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Parts to start, of store, ui, scheduler, listener
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Let everybody who reaches the port do everything
    #[arg(long)]
    pub(crate) allow_anonymous: bool,
    /// Speak HTTPS with this certificate chain (PEM); read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Pages of this origin (https://portal.example) may show dashboards in a frame; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) frame_origin: Vec<String>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "The variables of the established listener are read as well (SLACK_WEBHOOK_URL, INTERNAL_RULES_PATH, …).\n\nExample: canarytrace listen --store http://127.0.0.1:9200 --rules 'rules/*.yaml' --once"
)]
pub(crate) struct ListenArguments {
    /// Elasticsearch, OpenSearch or canarytrace server
    #[arg(long, value_name = "URL", env = "ELASTIC_CLUSTER")]
    pub(crate) store: String,
    /// Exactly these rules, and none that are built in (repeatable, may be a pattern)
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Vec<String>,
    /// A canarytrace.yaml with channels and quiet times
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Judge once and end, for a CronJob
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RulesArguments {
    #[command(subcommand)]
    pub(crate) command: RulesCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum RulesCommand {
    /// What rules would have found, and when (exit 1: something)
    #[command(
        after_help = "Example: canarytrace rules test --store http://127.0.0.1:9200 --rules rules/own.yaml --from now-7d"
    )]
    Test {
        #[arg(long, value_name = "FILE", required = true)]
        rules: Vec<String>,
        /// Where the documents are
        #[arg(long, value_name = "URL", required_unless_present = "documents")]
        store: Option<String>,
        /// Documents as bulk NDJSON instead of a store
        #[arg(long, value_name = "FILE", conflicts_with = "store")]
        documents: Option<PathBuf>,
        /// Date or date math
        #[arg(long, default_value = "now-24h")]
        from: String,
        #[arg(long, default_value = "now")]
        to: String,
        /// Time between two rounds
        #[arg(long, default_value = "10m", value_parser = Span::parse)]
        step: Span,
        #[arg(long)]
        json: bool,
    },
    /// Mistakes, unknown fields, rules that see the same (exit 1: some were found)
    #[command(
        after_help = "Example: canarytrace rules lint --rules rules/own.yaml --store http://127.0.0.1:9200"
    )]
    Lint {
        #[arg(long, value_name = "FILE", required = true)]
        rules: Vec<String>,
        /// Ask this store which fields there are
        #[arg(long, value_name = "URL")]
        store: Option<String>,
    },
}

#[derive(Args, Debug)]
#[command(
    after_help = "Example: canarytrace report --store http://127.0.0.1:9200 --day 2026-11-25 --out report.pdf"
)]
pub(crate) struct ReportArguments {
    /// Elasticsearch, OpenSearch or canarytrace server
    #[arg(long, value_name = "URL", env = "ELASTIC_CLUSTER")]
    pub(crate) store: String,
    /// A day of the period [default: yesterday]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) day: Option<String>,
    /// day, week or month
    #[arg(long, default_value = "day")]
    pub(crate) period: String,
    /// Zone of its days
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub(crate) timezone: String,
    /// Where to write it: .html, .pdf or .png
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub(crate) out: PathBuf,
    /// Send it to these addresses as well, who do not see each other (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) mail: Vec<String>,
    /// A canarytrace.yaml with the mail server
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct NotifyArguments {
    #[command(subcommand)]
    pub(crate) command: NotifyCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum NotifyCommand {
    /// Send a message that says only that it arrived (exit 1: one did not)
    #[command(after_help = "Example: canarytrace notify test slack --config canarytrace.yaml")]
    Test {
        /// Names of channels [default: all]
        channels: Vec<String>,
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

#[derive(Args, Debug)]
#[command(after_help = "Example: canarytrace demo")]
pub(crate) struct DemoArguments {
    /// Address and port [default: 127.0.0.1:9200, or a free port when it is taken]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<std::net::SocketAddr>,
    /// Folder to keep; a temporary one is used and removed otherwise
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Run each monitor once and end; exit 0 when each ended as planned
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: canarytrace check --config canarytrace.yaml")]
pub(crate) struct CheckArguments {
    /// The file to check
    #[arg(long, value_name = "FILE", default_value = "canarytrace.yaml")]
    pub(crate) config: PathBuf,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit 1 when something got slower.\n\nExample: canarytrace run https://shop.example/ --repeat 10 --out after && canarytrace compare before after"
)]
pub(crate) struct CompareArguments {
    /// Folder of the runs before
    pub(crate) before: PathBuf,
    /// Folder of the runs after
    pub(crate) after: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: canarytrace setup --store https://elastic.example:9200")]
pub(crate) struct SetupArguments {
    /// The cluster
    #[arg(long, value_name = "URL")]
    pub(crate) store: String,
    /// What index names begin with (INDEX_PREFIX)
    #[arg(long, value_name = "TEXT", default_value = "c.")]
    pub(crate) prefix: String,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("`{text}` must be NAME=VALUE"))
}
