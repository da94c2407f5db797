//! `canarytrace demo`: a shop with faults on a timetable, the whole stack, and monitors that watch it.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use canarytrace_es::{IndexTarget, SearchRequest, SearchService};
use canarytrace_server::{
    FrameOrigins,
    demo_shop::{self, Timetable},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    arguments::DemoArguments,
    commands::serve::{bind, runtime},
    control::stop_on_signals,
    failure::Failure,
    stack::{Parts, Ports, Settings, Stack},
    terminal,
    variables::Variables,
};

/// How each monitor ends in the first minute of the timetable.
const PLANNED: [(&str, bool); 4] = [
    ("shop-home", true),
    ("shop-campaign", false),
    ("shop-search", true),
    ("shop-order", true),
];
const ONCE_LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn run(arguments: DemoArguments, variables: Variables) -> Result<u8, Failure> {
    let runtime = runtime()?;
    // A folder that the user named is kept, whatever its name.
    let own = std::env::temp_dir().join(format!("canarytrace-demo-{}", std::process::id()));
    let data = arguments.data.as_deref().unwrap_or(&own);
    let code = runtime.block_on(demo(arguments.listen, data, arguments.once, &variables));
    if arguments.data.is_none() && own.exists() {
        std::fs::remove_dir_all(&own).map_err(Failure::broken)?;
    }
    code
}

async fn demo(
    listen: Option<SocketAddr>,
    data: &Path,
    once: bool,
    variables: &Variables,
) -> Result<u8, Failure> {
    let listener = listen_somewhere(listen).await?;
    let address = listener.local_addr().map_err(Failure::broken)?;
    let shop = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(Failure::broken)?;
    let shop_address = shop.local_addr().map_err(Failure::broken)?;
    let stop = stop_on_signals()?;
    let mut serving = JoinSet::new();
    let app = demo_shop::router(Timetable::start(once), shop_address.port());
    serving.spawn(canarytrace_server::serve(
        shop,
        app,
        CancellationToken::new(),
    ));
    let config = write_monitors(data, shop_address)?;
    let settings = Settings {
        data: data.to_owned(),
        config: Some(config),
        store: None,
        parts: Parts::ALL,
        address,
        public_url: format!("http://{address}"),
        access: None,
        frames: FrameOrigins::default(),
        fresh_pages: true,
    };
    let stack = Stack::start(settings, variables).await?;
    terminal::line(&format!("shop:  http://{shop_address}/"));
    terminal::line(&format!("ready: http://{address}/"));
    if once {
        let done = CancellationToken::new();
        let client = crate::store::client(&format!("http://{address}"), variables)?;
        let (ended, judged) =
            tokio::join!(stack.serve(Ports::plain(listener), done.clone()), async {
                let judged = tokio::time::timeout(ONCE_LIMIT, each_once(&client)).await;
                done.cancel();
                judged
            });
        ended?;
        return judged.map_err(|_| {
            Failure::broken(format!(
                "not every monitor ended within {}s",
                ONCE_LIMIT.as_secs()
            ))
        })?;
    }
    terminal::line("monitors run once a minute; stop with Ctrl-C");
    stack.serve(Ports::plain(listener), stop).await
}

/// The default port, or a free one when it is taken and none was asked for.
async fn listen_somewhere(listen: Option<SocketAddr>) -> Result<TcpListener, Failure> {
    match listen {
        Some(address) => bind(address).await,
        None => match bind(SocketAddr::from(([127, 0, 0, 1], 9200))).await {
            Ok(listener) => Ok(listener),
            Err(_) => bind(SocketAddr::from(([127, 0, 0, 1], 0))).await,
        },
    }
}

fn write_monitors(data: &Path, shop: SocketAddr) -> Result<PathBuf, Failure> {
    let folder = data.join("monitors");
    std::fs::create_dir_all(&folder).map_err(Failure::broken)?;
    let folder = folder.canonicalize().map_err(Failure::broken)?;
    let password = folder.join("password");
    let config = include_str!("../../../../demo/monitors/canarytrace.yaml")
        .replace("{base}", &format!("http://{shop}"))
        .replace("{password_file}", &password.display().to_string());
    let path = folder.join("canarytrace.yaml");
    let write = |path: &Path, text: &str| std::fs::write(path, text).map_err(Failure::broken);
    write(&password, demo_shop::PASSWORD)?;
    write(
        &folder.join("order.js"),
        include_str!("../../../../demo/monitors/order.js"),
    )?;
    write(&path, &config)?;
    Ok(path)
}

/// Waits for one run of each monitor and compares it with the plan.
async fn each_once(service: &dyn SearchService) -> Result<u8, Failure> {
    let mut ended: BTreeMap<String, Value> = BTreeMap::new();
    while ended.len() < PLANNED.len() {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let request = SearchRequest::parse(json!({"size": 100, "sort": [{"timestamp": {"order": "asc", "unmapped_type": "date"}}]})).map_err(Failure::broken)?;
        let Ok(answer) = service.search(&IndexTarget::new("c.run-*"), request).await else {
            continue;
        };
        for source in answer.hits.into_iter().filter_map(|hit| hit.source) {
            let monitor = source
                .get("monitor")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            ended.entry(monitor).or_insert(source);
        }
    }
    let mut code = 0;
    for (monitor, planned) in PLANNED {
        let run = ended.get(monitor).cloned().unwrap_or_default();
        let passed = run.get("passed").and_then(Value::as_bool).unwrap_or(false);
        let detail = run
            .pointer("/verdict/detail")
            .and_then(Value::as_str)
            .unwrap_or("as it should be");
        let mark = if passed == planned {
            "as planned"
        } else {
            "NOT as planned"
        };
        terminal::line(&format!(
            "{monitor}: {} ({mark}): {detail}",
            if passed { "passed" } else { "failed" }
        ));
        if passed != planned {
            code = 1;
        }
    }
    Ok(code)
}
