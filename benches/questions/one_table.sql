select o.status as status, date_trunc('month', o.ordered_at) as month,
       count(*) as orders, count(distinct o.customer_id) as customers
from orders o
where o.ordered_at >= timestamp '2024-01-01 00:00:00' and o.ordered_at < timestamp '2025-01-01 00:00:00'
  and o.status in ('paid', 'open')
group by o.status, date_trunc('month', o.ordered_at)
order by orders desc, status, month
limit 100
