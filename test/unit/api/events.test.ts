import { expect } from 'chai';
import { RecordDecoder, decodeJson, encodeJson, encodeRecord } from '../../../core/api/index.js';

const ID = 'b7d2c9f0-aaaa-4bbb-8ccc-0123456789ab';

/** One of each kind of event that a scheduler sees, in the spelling of the wire. */
const EVENTS = [
  `{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"${ID}-0003"},"heartbeat_interval_seconds":15.0,"master_info":{"id":"${ID}","ip":16777343,"port":5050,"pid":"master@127.0.0.1:5050","hostname":"localhost","version":"1.11.0","address":{"hostname":"localhost","ip":"127.0.0.1","port":5050},"capabilities":[{"type":"QUOTA_V2"}]}}}`,
  '{"type":"HEARTBEAT"}',
  `{"type":"OFFERS","offers":{"offers":[{"id":{"value":"${ID}-O7"},"framework_id":{"value":"${ID}-0003"},"agent_id":{"value":"${ID}-S1"},"hostname":"h1","url":{"scheme":"http","address":{"hostname":"h1","ip":"10.0.0.1","port":5051},"path":"/slave(1)"},"resources":[{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":31000,"end":32000}]},"allocation_info":{"role":"eng/web"}},{"name":"cpus","type":"SCALAR","scalar":{"value":2.0},"allocation_info":{"role":"eng/web"},"reservations":[{"type":"STATIC","role":"eng"}]}],"attributes":[{"name":"rack","type":"TEXT","text":{"value":"r1"}}],"allocation_info":{"role":"eng/web"}}]}}`,
  `{"type":"UPDATE","update":{"status":{"task_id":{"value":"web.1"},"state":"TASK_RUNNING","source":"SOURCE_EXECUTOR","reason":"REASON_TASK_HEALTH_CHECK_STATUS_UPDATED","agent_id":{"value":"${ID}-S1"},"executor_id":{"value":"web.1"},"timestamp":1893456000.123456,"uuid":"AAECAwQFRgeICQoLDA0ODw==","healthy":true,"check_status":{"type":"TCP","tcp":{}},"container_status":{"container_id":{"value":"c"},"network_infos":[{"ip_addresses":[{"protocol":"IPv4","ip_address":"10.0.0.1"}]}],"executor_pid":4711}}}}`,
  `{"type":"UPDATE","update":{"status":{"task_id":{"value":"web.2"},"state":"TASK_UNREACHABLE","source":"SOURCE_MASTER","reason":"REASON_RECONCILIATION","agent_id":{"value":"${ID}-S1"},"timestamp":1893456001.0,"unreachable_time":{"nanoseconds":1893456000123456789}}}}`,
  `{"type":"UPDATE_OPERATION_STATUS","update_operation_status":{"status":{"operation_id":{"value":"op"},"state":"OPERATION_FINISHED","uuid":{"value":"AAECAwQFRgeICQoLDA0ODw=="},"agent_id":{"value":"${ID}-S1"}}}}`,
  `{"type":"RESCIND","rescind":{"offer_id":{"value":"${ID}-O7"}}}`,
  `{"type":"MESSAGE","message":{"agent_id":{"value":"${ID}-S1"},"executor_id":{"value":"e"},"data":"aGk="}}`,
  `{"type":"FAILURE","failure":{"agent_id":{"value":"${ID}-S1"},"executor_id":{"value":"e"},"status":9}}`,
  '{"type":"ERROR","error":{"message":"caf\\u00e9"}}',
];

describe('scheduler events', () => {
  it('are decoded and encoded to the very same text', () => {
    for (const text of EVENTS) {
      expect(encodeJson('SchedulerEvent', decodeJson('SchedulerEvent', text))).to.equal(text);
    }
  });

  it('survive a stream', () => {
    const stream = Buffer.concat(EVENTS.map((text) => encodeRecord(text)));
    const decoder = new RecordDecoder();
    const records: string[] = [];
    for (let at = 0; at < stream.length; at += 100) {
      records.push(...decoder.push(stream.subarray(at, at + 100)).map(String));
    }
    decoder.finish();
    expect(records).to.deep.equal(EVENTS);
  });

  it('keep nanoseconds to the last digit', () => {
    const event = decodeJson('SchedulerEvent', EVENTS[4] ?? '');
    expect(event.update?.status.unreachable_time?.nanoseconds).to.equal(1893456000123456789n);
  });
});
