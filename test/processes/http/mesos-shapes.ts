/**
 * Which keys the pages of Mesos 1.12 have, and of what type their values are: `s` for a text, `n` for a
 * number, `b` for a truth value. Lists show one element that has the keys of all. `*` stands for names that
 * are data: roles, attributes, flags.
 */

/** Pages of a master, as JSON. */
export const MASTER_SHAPES: Readonly<Record<string, string>> = {
  '/state': `
    {"version":"s","git_sha":"s","git_branch":"s","build_date":"s","build_time":"n",
    "build_user":"s","start_time":"n","elected_time":"n","id":"s","pid":"s","hostname":"s",
    "capabilities":["s"],"activated_slaves":"n","deactivated_slaves":"n","unreachable_slaves":"n",
    "leader":"s","leader_info":{"id":"s","pid":"s","port":"n","hostname":"s"},"cluster":"s",
    "flags":{"*":"s"},"slaves":[{"id":"s","hostname":"s","port":"n","attributes":{"*":"s"},
    "pid":"s","registered_time":"n","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n",
    "ports":"s"},"used_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "reserved_resources":{"*":{"disk":"n","mem":"n","gpus":"n","cpus":"n"}},
    "unreserved_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"active":"b",
    "deactivated":"b","version":"s","capabilities":["s"]}],"recovered_slaves":[],
    "frameworks":[{"id":"s","name":"s","used_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n",
    "ports":"s"},"offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "capabilities":["s"],"hostname":"s","webui_url":"s","active":"b","connected":"b",
    "recovered":"b","user":"s","failover_timeout":"n","checkpoint":"b","registered_time":"n",
    "unregistered_time":"n","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "roles":["s"],"tasks":[{"id":"s","name":"s","framework_id":"s","executor_id":"s","slave_id":"s",
    "state":"s","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"role":"s",
    "statuses":[{"state":"s","timestamp":"n","container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]},"healthy":"b"}],
    "labels":[{"key":"s","value":"s"}],"discovery":{"visibility":"s","name":"s",
    "ports":{"ports":[{"number":"n","name":"s","protocol":"s"}]}},
    "health_check":{"delay_seconds":"n","interval_seconds":"n","timeout_seconds":"n",
    "consecutive_failures":"n","grace_period_seconds":"n","type":"s","command":{"shell":"b",
    "value":"s"}}}],"unreachable_tasks":[],"completed_tasks":[{"id":"s","name":"s",
    "framework_id":"s","executor_id":"s","slave_id":"s","state":"s","resources":{"disk":"n",
    "mem":"n","gpus":"n","cpus":"n"},"role":"s","statuses":[{"state":"s","timestamp":"n",
    "container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]}}],"labels":[{"key":"s",
    "value":"s"}]}],"offers":[{"id":"s","framework_id":"s","allocation_info":{"role":"s"},
    "slave_id":"s","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"}}],
    "executors":[],"labels":[{"key":"s","value":"s"}],"offer_constraints":{}}],
    "completed_frameworks":[],"orphan_tasks":[],"unregistered_frameworks":[]}`,
  '/slaves': `
    {"slaves":[{"id":"s","hostname":"s","port":"n","attributes":{"*":"s"},"pid":"s",
    "registered_time":"n","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "used_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "reserved_resources":{"*":{"disk":"n","mem":"n","gpus":"n","cpus":"n"}},
    "unreserved_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"active":"b",
    "deactivated":"b","version":"s","capabilities":["s"],
    "reserved_resources_full":{"*":[{"name":"s","type":"s","scalar":{"value":"n"},"role":"s",
    "reservation":{},"reservations":[{"type":"s","role":"s"}],"disk":{"persistence":{"id":"s"},
    "volume":{"mode":"s","container_path":"s"}}}]},"unreserved_resources_full":[{"name":"s",
    "type":"s","scalar":{"value":"n"},"role":"s","ranges":{"range":[{"begin":"n","end":"n"}]}}],
    "used_resources_full":[{"name":"s","type":"s","scalar":{"value":"n"},"role":"s",
    "allocation_info":{"role":"s"},"ranges":{"range":[{"begin":"n","end":"n"}]}}],
    "offered_resources_full":[{"name":"s","type":"s","scalar":{"value":"n"},"role":"s",
    "allocation_info":{"role":"s"},"reservations":[{"type":"s","role":"s"}],
    "ranges":{"range":[{"begin":"n","end":"n"}]},"reservation":{},"disk":{"persistence":{"id":"s"},
    "volume":{"mode":"s","container_path":"s"}}}]}],"recovered_slaves":[]}`,
  '/frameworks': `
    {"frameworks":[{"id":"s","name":"s","used_resources":{"disk":"n","mem":"n","gpus":"n",
    "cpus":"n","ports":"s"},"offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n",
    "ports":"s"},"capabilities":["s"],"hostname":"s","webui_url":"s","active":"b","connected":"b",
    "recovered":"b","user":"s","failover_timeout":"n","checkpoint":"b","registered_time":"n",
    "unregistered_time":"n","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "roles":["s"],"tasks":[{"id":"s","name":"s","framework_id":"s","executor_id":"s","slave_id":"s",
    "state":"s","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"role":"s",
    "statuses":[{"state":"s","timestamp":"n","container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]},"healthy":"b"}],
    "labels":[{"key":"s","value":"s"}],"discovery":{"visibility":"s","name":"s",
    "ports":{"ports":[{"number":"n","name":"s","protocol":"s"}]}},
    "health_check":{"delay_seconds":"n","interval_seconds":"n","timeout_seconds":"n",
    "consecutive_failures":"n","grace_period_seconds":"n","type":"s","command":{"shell":"b",
    "value":"s"}}}],"unreachable_tasks":[],"completed_tasks":[{"id":"s","name":"s",
    "framework_id":"s","executor_id":"s","slave_id":"s","state":"s","resources":{"disk":"n",
    "mem":"n","gpus":"n","cpus":"n"},"role":"s","statuses":[{"state":"s","timestamp":"n",
    "container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]}}],"labels":[{"key":"s",
    "value":"s"}]}],"offers":[{"id":"s","framework_id":"s","allocation_info":{"role":"s"},
    "slave_id":"s","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"}}],
    "executors":[],"labels":[{"key":"s","value":"s"}],"offer_constraints":{}}],
    "completed_frameworks":[],"unregistered_frameworks":[]}`,
  '/tasks': `
    {"tasks":[{"id":"s","name":"s","framework_id":"s","executor_id":"s","slave_id":"s","state":"s",
    "resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"role":"s",
    "statuses":[{"state":"s","timestamp":"n","container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]},"healthy":"b"}],
    "labels":[{"key":"s","value":"s"}],"discovery":{"visibility":"s","name":"s",
    "ports":{"ports":[{"number":"n","name":"s","protocol":"s"}]}},
    "health_check":{"delay_seconds":"n","interval_seconds":"n","timeout_seconds":"n",
    "consecutive_failures":"n","grace_period_seconds":"n","type":"s","command":{"shell":"b",
    "value":"s"}}}]}`,
  '/roles': `
    {"roles":[{"name":"s","weight":"n","quota":{"role":"s","guarantee":{},"limit":{},
    "consumed":{"cpus":"n","disk":"n","mem":"n","ports":"n"}},"resources":{"cpus":"n","disk":"n",
    "mem":"n","ports":"n"},"allocated":{"cpus":"n","mem":"n","ports":"n"},"offered":{"cpus":"n",
    "disk":"n","mem":"n","ports":"n"},"reserved":{"disk":"n","cpus":"n"},"frameworks":["s"]}]}`,
  '/state-summary': `
    {"hostname":"s","cluster":"s","slaves":[{"id":"s","hostname":"s","port":"n",
    "attributes":{"*":"s"},"pid":"s","registered_time":"n","resources":{"disk":"n","mem":"n",
    "gpus":"n","cpus":"n","ports":"s"},"used_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n",
    "ports":"s"},"offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "reserved_resources":{"*":{"disk":"n","mem":"n","gpus":"n","cpus":"n"}},
    "unreserved_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"active":"b",
    "deactivated":"b","version":"s","capabilities":["s"],"TASK_STAGING":"n","TASK_STARTING":"n",
    "TASK_RUNNING":"n","TASK_KILLING":"n","TASK_FINISHED":"n","TASK_KILLED":"n","TASK_FAILED":"n",
    "TASK_LOST":"n","TASK_ERROR":"n","TASK_UNREACHABLE":"n","framework_ids":["s"]}],
    "frameworks":[{"id":"s","name":"s","used_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n",
    "ports":"s"},"offered_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "capabilities":["s"],"hostname":"s","webui_url":"s","active":"b","connected":"b",
    "recovered":"b","TASK_STAGING":"n","TASK_STARTING":"n","TASK_RUNNING":"n","TASK_KILLING":"n",
    "TASK_FINISHED":"n","TASK_KILLED":"n","TASK_FAILED":"n","TASK_LOST":"n","TASK_ERROR":"n",
    "TASK_UNREACHABLE":"n","slave_ids":["s"]}]}`,
};

/** Pages of an agent, as JSON. */
export const AGENT_SHAPES: Readonly<Record<string, string>> = {
  '/state': `
    {"version":"s","git_sha":"s","git_branch":"s","build_date":"s","build_time":"n",
    "build_user":"s","start_time":"n","id":"s","pid":"s","hostname":"s","capabilities":["s"],
    "resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "reserved_resources":{"*":{"disk":"n","mem":"n","gpus":"n","cpus":"n"}},
    "unreserved_resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},
    "reserved_resources_full":{"*":[{"name":"s","type":"s","scalar":{"value":"n"},"role":"s",
    "reservation":{},"reservations":[{"type":"s","role":"s"}],"disk":{"persistence":{"id":"s"},
    "volume":{"mode":"s","container_path":"s"}}}]},"unreserved_resources_full":[{"name":"s",
    "type":"s","scalar":{"value":"n"},"role":"s","ranges":{"range":[{"begin":"n","end":"n"}]}}],
    "reserved_resources_allocated":{"*":null},"unreserved_resources_allocated":{"disk":"n",
    "mem":"n","gpus":"n","cpus":"n","ports":"s"},"resource_providers":[],"attributes":{"*":"s"},
    "master_hostname":"s","flags":{"*":"s"},"frameworks":[{"id":"s","name":"s","user":"s",
    "failover_timeout":"n","checkpoint":"b","hostname":"s","roles":["s"],"executors":[{"id":"s",
    "name":"s","source":"s","container":"s","directory":"s","resources":{"disk":"n","mem":"n",
    "gpus":"n","cpus":"n","ports":"s"},"role":"s","labels":[{"key":"s","value":"s"}],
    "tasks":[{"id":"s","name":"s","framework_id":"s","executor_id":"s","slave_id":"s","state":"s",
    "resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n","ports":"s"},"role":"s",
    "statuses":[{"state":"s","timestamp":"n","container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]},"healthy":"b"}],
    "labels":[{"key":"s","value":"s"}],"discovery":{"visibility":"s","name":"s",
    "ports":{"ports":[{"number":"n","name":"s","protocol":"s"}]}},
    "health_check":{"delay_seconds":"n","interval_seconds":"n","timeout_seconds":"n",
    "consecutive_failures":"n","grace_period_seconds":"n","type":"s","command":{"shell":"b",
    "value":"s"}}}],"queued_tasks":[],"completed_tasks":[]}],"completed_executors":[{"id":"s",
    "name":"s","source":"s","container":"s","directory":"s","resources":{"disk":"n","mem":"n",
    "gpus":"n","cpus":"n"},"role":"s","labels":[{"key":"s","value":"s"}],"tasks":[],
    "queued_tasks":[],"completed_tasks":[{"id":"s","name":"s","framework_id":"s","executor_id":"s",
    "slave_id":"s","state":"s","resources":{"disk":"n","mem":"n","gpus":"n","cpus":"n"},"role":"s",
    "statuses":[{"state":"s","timestamp":"n","container_status":{"container_id":{"value":"s"},
    "network_infos":[{"ip_addresses":[{"protocol":"s","ip_address":"s"}]}]}}],"labels":[{"key":"s",
    "value":"s"}]}]}]}],"completed_frameworks":[]}`,
  '/containers': `
    [{"container_id":"s","executor_id":"s","executor_name":"s","framework_id":"s","source":"s",
    "statistics":{"cpus_soft_limit":"n","cpus_system_time_secs":"n","cpus_user_time_secs":"n",
    "mem_limit_bytes":"n","mem_rss_bytes":"n","mem_soft_limit_bytes":"n","timestamp":"n"},
    "status":{"container_id":{"value":"s"},"executor_pid":"n"}}]`,
  '/monitor/statistics': `
    [{"executor_id":"s","executor_name":"s","framework_id":"s","source":"s",
    "statistics":{"cpus_soft_limit":"n","cpus_system_time_secs":"n","cpus_user_time_secs":"n",
    "mem_limit_bytes":"n","mem_rss_bytes":"n","mem_soft_limit_bytes":"n","timestamp":"n"}}]`,
};

/** Names of flags on the page `/flags` of a master. */
export const MASTER_FLAGS = `
  agent_ping_timeout agent_reregister_timeout allocation_interval allocator
  allocator_agent_recovery_factor allocator_recovery_timeout authenticate_agents
  authenticate_frameworks authenticate_http_frameworks authenticate_http_readonly
  authenticate_http_readwrite authentication_v0_timeout authenticators authorizers cluster
  filter_gpu_resources framework_sorter help hostname hostname_lookup http_authenticators
  initialize_driver_logging ip log_auto_initialize logbufsecs logging_level
  max_agent_ping_timeouts max_completed_frameworks max_completed_tasks_per_framework
  max_operator_event_stream_subscribers max_unreachable_tasks_per_framework memory_profiling
  min_allocatable_resources offer_constraints_re2_max_mem offer_constraints_re2_max_program_size
  port publish_per_framework_metrics quiet recovery_agent_removal_limit registry
  registry_fetch_timeout registry_gc_interval registry_max_agent_age registry_max_agent_count
  registry_store_timeout registry_strict require_agent_domain role_sorter root_submissions
  version webui_dir work_dir zk_session_timeout`
  .trim()
  .split(/\s+/);

/** Names of flags on the page `/flags` of an agent. */
export const AGENT_FLAGS = `
  appc_simple_discovery_uri_prefix appc_store_dir attributes authenticate_http_readonly
  authenticate_http_readwrite authenticatee authentication_backoff_factor
  authentication_timeout_max authentication_timeout_min authorizer
  cgroups_cpu_enable_pids_and_tids_count cgroups_destroy_timeout cgroups_enable_cfs
  cgroups_hierarchy cgroups_limit_swap cgroups_root container_disk_watch_interval containerizers
  default_role disallow_sharing_agent_ipc_namespace disallow_sharing_agent_pid_namespace
  disk_watch_interval docker docker_ignore_runtime docker_kill_orphans docker_registry
  docker_remove_delay docker_socket docker_stop_timeout docker_store_dir
  docker_volume_checkpoint_dir docker_volume_chown enforce_container_disk_quota
  executor_registration_timeout executor_reregistration_timeout executor_shutdown_grace_period
  fetcher_cache_dir fetcher_cache_size fetcher_stall_timeout frameworks_home gc_delay
  gc_disk_headroom gc_non_executor_container_sandboxes help hostname hostname_lookup
  http_command_executor http_executor_domain_sockets http_heartbeat_interval
  initialize_driver_logging ip isolation launcher launcher_dir logbufsecs logging_level master
  max_completed_executors_per_framework memory_profiling network_cni_metrics
  network_cni_root_dir_persist oversubscribed_resources_interval perf_duration perf_interval
  port qos_correction_interval_min quiet reconfiguration_policy recover recovery_timeout
  registration_backoff_factor resources revocable_cpu_low_priority runtime_dir sandbox_directory
  strict switch_user systemd_enable_support systemd_runtime_directory version work_dir
  zk_session_timeout`
  .trim()
  .split(/\s+/);
