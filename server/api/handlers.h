#pragma once

/* One handler a row of routes.c; what each answers is in openapi.yaml under its operationId. */

#include "server/http/request.h"

typedef void handler(struct request *request, void *app);

/* service.c, service_state.c, session.c, pages.c */
handler get_dashboard, get_asset, get_specification_yaml, get_specification_json, get_docs;
handler get_health, get_readiness, get_version, get_service, get_metrics, reload_configuration;
handler create_session, delete_session;
/* targets.c */
handler list_targets, get_target;
/* instances.c, instance_create.c, instance_actions.c, instance_wait.c */
handler list_instances, create_instance, get_instance, put_instance, delete_instance;
handler start_instance, stop_instance, restart_instance, reset_instance, pause_instance, resume_instance;
handler wait_for_instance;
/* usage.c, logs.c */
handler get_instance_usage, list_instance_logs, get_instance_log;
/* channels.c, output.c, input.c, expect.c, stream.c */
handler list_channels, get_channel, get_channel_output, write_channel_input, expect_channel, stream_channel;
/* properties.c, debug.c */
handler list_properties, get_property, set_property, run_gdb, load_image;
/* events.c */
handler list_events;
/* files.c */
handler list_files, upload_file, get_file, delete_file, get_file_content;
/* run_create.c, runs.c */
handler create_run, rerun_run, list_runs, get_run, cancel_run, get_run_output, get_run_junit;
