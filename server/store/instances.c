#include "server/store/instances.h"

#include "core/base/text.h"
#include "server/store/database.h"

static const char *const phase_names[] = {
    [INSTANCE_IDLE] = "idle",
    [INSTANCE_STARTING] = "starting",
    [INSTANCE_RESTARTING] = "restarting",
    [INSTANCE_DELETING] = "deleting",
};

/* The columns in the order in which read_row takes them. */
#define COLUMNS \
	"id, path, target, emulator, spec, labels, file, state, exit, boot_id, phase, start_number," \
	" created_at, started_at, ended_at"

void instance_row_finish(struct instance_row *row)
{
	free(row->id);
	free(row->path);
	free(row->target);
	free(row->emulator);
	free(row->spec);
	free(row->labels);
	free(row->file);
	free(row->state);
	free(row->exit);
	free(row->boot_id);
	*row = (struct instance_row){0};
}

static enum instance_phase phase_of(const char *name)
{
	enum instance_phase phase = INSTANCE_IDLE;
	for (size_t i = 0; i < sizeof(phase_names) / sizeof(phase_names[0]); i++)
		if (text_equal(name, phase_names[i]))
			phase = (enum instance_phase) i;
	return phase;
}

static int read_row(struct query *query, struct instance_row *row, struct error *error)
{
	char **const texts[] = {&row->id,     &row->path, &row->target, &row->emulator, &row->spec,
				&row->labels, &row->file, &row->state,  &row->exit,     &row->boot_id};
	int column = 0;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (query_take_text(query, column++, texts[i]))
			return error_set(error, -ENOMEM, NULL, "no memory for an instance's row");
	row->phase = phase_of((const char *) sqlite3_column_text(query->statement, column++));
	row->start_number = sqlite3_column_int64(query->statement, column++);
	row->created_at_ms = sqlite3_column_int64(query->statement, column++);
	row->started_at_ms = sqlite3_column_int64(query->statement, column++);
	row->ended_at_ms = sqlite3_column_int64(query->statement, column++);
	return 0;
}

/* What instances_update writes, in this order. */
static void bind_changeable(struct query *query, const struct instance_row *row)
{
	query_bind_text(query, row->emulator);
	query_bind_text(query, row->spec);
	query_bind_text(query, row->file);
	query_bind_text(query, row->state);
	query_bind_text(query, row->exit);
	query_bind_text(query, row->boot_id);
	query_bind_text(query, phase_names[row->phase]);
	query_bind_integer(query, row->start_number);
	query_bind_time(query, row->started_at_ms);
	query_bind_time(query, row->ended_at_ms);
}

/* The constraints that a caller can hit, in the words of the problem they mean. */
static int refused(const struct query *query, const struct instance_row *row, int number, struct error *error)
{
	switch (query->result) {
	case SQLITE_CONSTRAINT_PRIMARYKEY:
		return error_set(error, -EEXIST, "id_taken", "an instance \"%s\" exists already", row->id);
	case SQLITE_CONSTRAINT_UNIQUE:
		return error_set(error, -EEXIST, "conflict",
				 "another instance has its state directory at %s already", row->path);
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return error_set(error, -ENOENT, "file_not_found", "no file with the SHA-256 %s was uploaded",
				 row->file);
	default:
		return number;
	}
}

static int not_found(const char *id, struct error *error)
{
	return error_set(error, -ENOENT, "not_found", "there is no instance \"%s\"", id);
}

int instances_insert(struct store *store, const struct instance_row *row, struct error *error)
{
	static const char sql[] =
	    "INSERT INTO instances (emulator, spec, file, state, exit, boot_id, phase, start_number,"
	    " started_at, ended_at, id, path, target, labels, created_at)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	cleanup_query struct query query = query_begin(store, sql);
	bind_changeable(&query, row);
	query_bind_text(&query, row->id);
	query_bind_text(&query, row->path);
	query_bind_text(&query, row->target);
	query_bind_text(&query, row->labels);
	query_bind_integer(&query, row->created_at_ms);
	int number = query_run(&query, "the instance cannot be stored", NULL, error);
	return number ? refused(&query, row, number, error) : 0;
}

int instances_update(struct store *store, const struct instance_row *row, struct error *error)
{
	static const char sql[] =
	    "UPDATE instances SET emulator = ?, spec = ?, file = ?, state = ?, exit = ?, boot_id = ?,"
	    " phase = ?, start_number = ?, started_at = ?, ended_at = ? WHERE id = ?";
	cleanup_query struct query query = query_begin(store, sql);
	bind_changeable(&query, row);
	query_bind_text(&query, row->id);
	int changes = 0;
	int number = query_run(&query, "the instance cannot be stored", &changes, error);
	if (number)
		return refused(&query, row, number, error);
	return changes ? 0 : not_found(row->id, error);
}

int instances_get(struct store *store, const char *id, struct instance_row *ret_row, struct error *error)
{
	static const char sql[] = "SELECT " COLUMNS " FROM instances WHERE id = ?";
	cleanup_query struct query query = query_begin(store, sql);
	query_bind_text(&query, id);
	int number = query_step(&query, "the instance cannot be read", error);
	if (number <= 0)
		return number ? number : not_found(id, error);
	struct instance_row row = {0};
	number = read_row(&query, &row, error);
	if (number)
		instance_row_finish(&row);
	else
		*ret_row = row;
	return number;
}

int instances_delete(struct store *store, const char *id, struct error *error)
{
	cleanup_query struct query query = query_begin(store, "DELETE FROM instances WHERE id = ?");
	query_bind_text(&query, id);
	int changes = 0;
	int number = query_run(&query, "the instance cannot be deleted", &changes, error);
	if (number)
		return number;
	return changes ? 0 : not_found(id, error);
}

int instances_count(struct store *store, int64_t *ret_count, struct error *error)
{
	cleanup_query struct query query = query_begin(store, "SELECT count(*) FROM instances");
	int number = query_step(&query, "the instances cannot be counted", error);
	if (number < 0)
		return number;
	*ret_count = sqlite3_column_int64(query.statement, 0);
	return 0;
}

#define MORE_FILTERS " AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR target = ?3)"

static struct query begin_list(struct store *store, const struct instances_filter *filter)
{
	static const char all[] =
	    "SELECT " COLUMNS " FROM instances WHERE id > ?1" MORE_FILTERS " ORDER BY id LIMIT ?4";
	static const char labelled[] =
	    "SELECT " COLUMNS " FROM labels JOIN instances ON id = instance"
	    " WHERE instance > ?1 AND key = ?5 AND value = ?6" MORE_FILTERS " ORDER BY instance LIMIT ?4";
	struct query query = query_begin(store, filter->label_key ? labelled : all);
	query_bind_text(&query, filter->after ? filter->after : "");
	query_bind_text(&query, filter->state);
	query_bind_text(&query, filter->target);
	/* One more than asked for tells whether there are more; a negative limit is none. */
	query_bind_integer(&query, filter->limit ? filter->limit + 1 : -1);
	if (filter->label_key) {
		query_bind_text(&query, filter->label_key);
		query_bind_text(&query, filter->label_value);
	}
	return query;
}

int instances_list(struct store *store, const struct instances_filter *filter,
		   int (*on_row)(struct instance_row *row, void *data), void *data, bool *ret_has_more,
		   struct error *error)
{
	cleanup_query struct query query = begin_list(store, filter);
	bool has_more = false;
	int64_t count = 0;
	int number;
	while ((number = query_step(&query, "the instances cannot be listed", error)) > 0) {
		has_more = filter->limit && count++ == filter->limit;
		if (has_more)
			break;
		cleanup_instance_row struct instance_row row = {0};
		number = read_row(&query, &row, error);
		if (number)
			return number;
		if (on_row(&row, data))
			break;
	}
	if (number < 0)
		return number;
	if (ret_has_more)
		*ret_has_more = has_more;
	return 0;
}
