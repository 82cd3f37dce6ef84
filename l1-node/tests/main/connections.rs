//! Sockets: how many, and for how long.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use alloy::providers::{Provider, ProviderBuilder, WsConnect};
use jsonrpsee::{RpcModule, types::ErrorObjectOwned};
use recourse_rpc::{RunningServer, ServerOptions, serve};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// What is idle for so long is closed, where a test asks for that.
const IDLE: Duration = Duration::from_secs(1);

async fn server(module: RpcModule<()>, change: impl FnOnce(&mut ServerOptions)) -> RunningServer {
    let mut options = ServerOptions::new("127.0.0.1:0".parse().unwrap());
    change(&mut options);
    serve(options, module, None).await.unwrap()
}

/// A method that takes several times as long as a connection may be idle.
fn slow() -> RpcModule<()> {
    let mut module = RpcModule::new(());
    let answer = |_, _, _| async {
        tokio::time::sleep(IDLE * 3).await;
        "done"
    };
    module.register_async_method("slow", answer).unwrap();
    module
}

/// Sends a call on this connection, and reads until its answer has come.
async fn ask(socket: &mut TcpStream, method: &str) -> String {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method }).to_string();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let mut buffer = [0; 1024];
    // The JSON ends what is sent.
    while !answer.ends_with('}') {
        let read = socket.read(&mut buffer).await.unwrap();
        assert!(read > 0, "hung up after {answer:?}");
        answer.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    answer
}

/// Reads until the server hangs up.
async fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let read = socket.read_to_end(&mut all);
    drop(tokio::time::timeout(Duration::from_secs(60), read).await.expect("it is not closed"));
    all
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = server(slow(), |options| options.idle = IDLE).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    assert!(ask(&mut socket, "slow").await.ends_with(r#""result":"done"}"#));
    assert!(read_to_end(&mut socket).await.is_empty(), "nothing more was sent");
    // One that says nothing at all, and one that does not say all.
    for said in ["", "POST / HTTP/1.1\r\nhost: "] {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        socket.write_all(said.as_bytes()).await.unwrap();
        read_to_end(&mut socket).await;
    }
    server.stop().await;
}

async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

#[tokio::test]
async fn a_dead_websocket_is_closed_and_an_idle_one_is_not() {
    // Long enough for a client on a busy machine to answer in time.
    let idle = Duration::from_secs(6);
    let server = server(slow(), |options| options.idle = idle).await;
    let url = format!("ws://{}", server.address);
    // Without retries: an answer tells that it is still the first connection.
    let connect = WsConnect::new(&url).with_max_retries(0).with_keepalive_interval(idle * 100);
    let living = ProviderBuilder::new().connect_ws(connect).await.unwrap();
    let mut dead = upgraded(server.address).await;
    let told = read_to_end(&mut dead).await;
    assert!(told.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&told));
    // The other one came before, and lives on because its client answers.
    let answer: String = living.raw_request("slow".into(), json!([])).await.unwrap();
    assert_eq!(answer, "done");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_never_is_all_there_keeps_no_connection() {
    let server = server(slow(), |options| options.idle = IDLE).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    let request = "POST / HTTP/1.1\r\nhost: l1\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    socket.write_all(request.as_bytes()).await.unwrap();
    // It would wait for ever.
    assert_eq!(read_to_end(&mut socket).await, b"");
    server.stop().await;
}

#[tokio::test]
async fn a_connection_counts_between_its_calls() {
    let server = server(slow(), |options| options.max_connections = 2).await;
    let connect = || TcpStream::connect(server.address);
    let (mut first, mut second) = (connect().await.unwrap(), connect().await.unwrap());
    // Answered: no call is open on them any more.
    for socket in [&mut first, &mut second] {
        assert!(ask(socket, "rpc_methods").await.contains("slow"));
    }
    let post = async || {
        let client = reqwest::Client::new();
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "rpc_methods" });
        let answer = client.post(format!("http://{}", server.address)).json(&body).send().await;
        answer.unwrap().status().as_u16()
    };
    assert_eq!(post().await, 429);
    assert!(ask(&mut first, "rpc_methods").await.contains("slow"), "the others go on");
    drop(first);
    // A place is free when the server has noticed that.
    while post().await != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(second);
    server.stop().await;
}

/// Of very many calls some run, so many more wait, and the others are told that the node is busy.
#[tokio::test]
async fn calls_that_take_long_are_not_all_run_at_once() {
    const ALL: usize = 3_000;
    let (go, running, most) =
        (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut module = RpcModule::new(());
    let (inner, counted, highest) = (go.clone(), running.clone(), most.clone());
    let answer = move |_, _, _| {
        let (go, running, most) = (inner.clone(), counted.clone(), highest.clone());
        async move {
            most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
            drop(go.acquire().await);
            running.fetch_sub(1, SeqCst);
            Ok::<_, ErrorObjectOwned>("done")
        }
    };
    module.register_async_method("eth_call", answer).unwrap();
    let server = server(module, |_| {}).await;
    let connect = WsConnect::new(format!("ws://{}", server.address)).with_max_retries(0);
    let client = ProviderBuilder::new().connect_ws(connect).await.unwrap();
    let busy = AtomicUsize::new(0);
    let call = async || {
        let answer = client.raw_request::<_, Value>("eth_call".into(), json!([])).await;
        let Err(error) = answer else { return };
        let error = error.as_error_resp().unwrap().clone();
        assert_eq!((error.code, &*error.message), (-32005, "busy: too many calls wait"));
        // The first refusal comes when all places are taken. What is not heavy is answered then, and all goes on.
        if busy.fetch_add(1, SeqCst) == 0 {
            let names: Vec<String> = client.raw_request("rpc_methods".into(), ()).await.unwrap();
            assert!(names.contains(&"eth_call".to_owned()));
        }
    };
    let refused = async {
        // Those that run and wait are at most so many, whatever the machine; all others are refused at last.
        let lanes = 1_000 + 2 * std::thread::available_parallelism().unwrap().get().max(2);
        while busy.load(SeqCst) < ALL - lanes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        go.add_permits(ALL);
    };
    let calls = futures::future::join_all((0..ALL).map(|_| call()));
    futures::future::join(calls, refused).await;
    let lanes = 2 * std::thread::available_parallelism().unwrap().get().max(2);
    assert_eq!(busy.load(SeqCst), ALL - 1_000 - lanes);
    assert_eq!(most.load(SeqCst), lanes, "as many as the machine has cores for");
    server.stop().await;
}
