// Connects to what it is told to and tells what came of it: `open`, or the name of the error.

'use strict';

const dgram = require('dgram');
const net = require('net');
const os = require('os');

const API = new URL(process.env.__OW_API_HOST);

function connect([host, port]) {
  return new Promise(done => {
    const socket = net.connect({ host: host || API.hostname, port: port || Number(API.port), timeout: 3000 });
    const end = outcome => { socket.destroy(); done(outcome); };
    socket.on('connect', () => end('open'));
    socket.on('timeout', () => end('ETIMEDOUT'));
    socket.on('error', error => end(error.code));
  });
}

function send([host, port]) {
  return new Promise(done => {
    const socket = dgram.createSocket('udp4');
    socket.send('from an action', port, host || API.hostname, error => {
      socket.close();
      done(error ? error.code : 'sent');
    });
  });
}

async function main(args) {
  const tried = await Promise.all((args.targets || []).map(connect));
  const sent = await Promise.all((args.datagrams || []).map(send));
  const address = os.networkInterfaces().eth0.find(address => address.family === 'IPv4').address;
  return { tried, sent, address, gateway: API.hostname };
}
