/** Protobuf bodies. The codec is the library's own, by reflection: not the one of the servers here. */
export {
  decodeByReflection as readProtobuf,
  encodeByReflection as writeProtobuf,
} from '../../../properties/api/protobuf-oracle.js';
